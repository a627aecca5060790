with session_payments as (

    select * from {{ ref('int_parking__session_payments') }}

),

vehicles as (

    select * from {{ ref('stg_parking__vehicles') }}

),

-- A plate bound by two drivers belongs to the one who bound it first.
bound as (

    select
        session_payments.session_no,
        vehicles.account_id,
        row_number() over (
            partition by session_payments.session_no
            order by vehicles.bound_date, vehicles.account_id
        ) as bound_rank
    from session_payments
    inner join vehicles
        on session_payments.plate_no_token = vehicles.plate_no_token
        and session_payments.business_date >= vehicles.bound_date
        and session_payments.business_date < coalesce(vehicles.unbound_date, cast('9999-12-31' as date))

),

sessions as (

    select
        session_payments.*,
        bound.account_id
    from session_payments
    left join bound
        on session_payments.session_no = bound.session_no
        and bound.bound_rank = 1

),

movements as (

    select
        *,
        'parking_session' as activity_type,
        {{ activity_id('parking', 'session', 'session_no') }} as activity_id
    from sessions
    union all
    select
        *,
        'points_redemption' as activity_type,
        {{ activity_id('parking', 'points', 'session_no') }} as activity_id
    from sessions
    where points_used > 0

),

activities as (

    select
        activity_id,
        'parking' as source,
        session_no as document_no,
        account_id,
        activity_type,
        ended_at as occurred_at,
        business_date,
        cast(null as string) as reverses_activity_id,
        lot_no as unit_id,
        cast(null as string) as merchant_id,
        'gate' as channel,
        cast(null as string) as category,
        -- One point pays one fen at the gate.
        case when activity_type = 'parking_session' then paid_fen + points_used else 0 end as gross_fen,
        case when activity_type = 'parking_session' then paid_fen else 0 end as paid_fen,
        case when activity_type = 'points_redemption' then points_used else 0 end as points,
        cast(null as bigint) as quantity,
        source_file,
        source_row,
        load_date
    from movements

)

select * from activities
