with sessions as (

    select * from {{ ref('stg_parking__sessions') }}

),

payments as (

    select * from {{ ref('stg_parking__payments') }}

),

paid as (

    select
        session_no,
        min(paid_at) as paid_at,
        min(business_date) as business_date,
        sum(paid_fen) as paid_fen,
        sum(points_used) as points_used,
        min(source_file) as source_file,
        min(source_row) as source_row,
        max(load_date) as load_date
    from payments
    group by session_no

),

-- A payment whose session never arrived is kept: its money is real.
session_payments as (

    select
        coalesce(sessions.session_no, paid.session_no) as session_no,
        sessions.lot_no,
        sessions.plate_no_token,
        coalesce(sessions.exited_at, paid.paid_at) as ended_at,
        coalesce(sessions.business_date, paid.business_date) as business_date,
        cast(coalesce(paid.paid_fen, 0) as bigint) as paid_fen,
        cast(coalesce(paid.points_used, 0) as bigint) as points_used,
        coalesce(sessions.source_file, paid.source_file) as source_file,
        coalesce(sessions.source_row, paid.source_row) as source_row,
        greatest(coalesce(sessions.load_date, paid.load_date), coalesce(paid.load_date, sessions.load_date)) as load_date
    from sessions
    full outer join paid on sessions.session_no = paid.session_no

)

select * from session_payments
