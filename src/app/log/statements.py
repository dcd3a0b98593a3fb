"""The SQL of the log, from the file beside this one."""

from postgres.statements import statements

SQL = statements(__file__)
