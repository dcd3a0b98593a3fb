-- Code that knows step 0012 goes on.
-- What is taken back, and how rounds end. Columns may be null: older code leaves them so, and nearly no row has
-- anything in them. In the order in which a projector writes the tables, so that neither waits for the other.

alter table roundbook.games add column theoretical_rtp numeric, add column volatility numeric;

-- rolled_back_…: what the sums and counts of the same row are net of; null where nothing was taken back.
alter table roundbook.activity
    add column rolled_back_bet_real numeric, add column rolled_back_bet_bonus numeric,
    add column rolled_back_win_real numeric, add column rolled_back_win_bonus numeric,
    add column rolled_back_bets bigint, add column rolled_back_wins bigint;
alter table roundbook.balances
    add column rolled_back_bet_real numeric, add column rolled_back_bet_bonus numeric,
    add column rolled_back_win_real numeric, add column rolled_back_win_bonus numeric,
    add column rolled_back_bets bigint, add column rolled_back_wins bigint;
alter table roundbook.balance_periods
    add column rolled_back_bet_real numeric, add column rolled_back_bet_bonus numeric,
    add column rolled_back_win_real numeric, add column rolled_back_win_bonus numeric,
    add column rolled_back_bets bigint, add column rolled_back_wins bigint;

-- When a round was first said to be over. In `sums` what was rolled back follows the days, where there is any.
alter table roundbook.rounds add column ended_at timestamptz;

-- bonus_amount: how much of the amount was bonus money, where real money was moved too; else null.
-- status: see domain.rollback. Of all rollbacks with one reference that is recorded, one is not `repeated`.
create table roundbook.rollbacks (
    position    bigint not null,
    occurred_at timestamptz not null,
    tenant_id   int not null,
    generation  int not null,
    is_win      boolean not null,
    is_bonus    boolean not null,
    status      text collate "C" not null,
    unique_id   text collate "C" not null,
    player_id   text collate "C" not null,
    game_id     text collate "C" not null,
    round_id    text collate "C" not null,
    amount      numeric not null,
    currency    text collate "C" not null,
    reference   text collate "C",
    reason      text,
    bonus_amount numeric,
    primary key (tenant_id, generation, position)
);

create index rollbacks_by_time on roundbook.rollbacks (tenant_id, generation, occurred_at, position);
create index rollbacks_by_player on roundbook.rollbacks (tenant_id, generation, player_id, occurred_at, position);
create index rollbacks_by_game on roundbook.rollbacks (tenant_id, generation, game_id, occurred_at, position);
create index rollbacks_by_round on roundbook.rollbacks (tenant_id, generation, round_id, occurred_at, position);
create index rollbacks_by_status on roundbook.rollbacks (tenant_id, generation, status, occurred_at, position);
-- For what may change with an event that comes late.
create index rollbacks_of_reference on roundbook.rollbacks (tenant_id, reference, generation)
    where reference is not null and status <> 'repeated';
alter table roundbook.rollbacks alter column generation set statistics 0;
