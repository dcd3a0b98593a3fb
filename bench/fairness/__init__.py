"""(k) What a quiet tenant feels while another one abuses the service."""
