with orders as (

    select * from {{ ref('stg_miniprogram__orders') }}

),

interactions as (

    select * from {{ ref('stg_miniprogram__interactions') }}

),

movements as (

    select
        {{ activity_id('miniprogram', 'order', 'order_no') }} as activity_id,
        order_no as document_no,
        account_id,
        case when refunded_order_no is null then 'purchase' else 'refund' end as activity_type,
        paid_at as occurred_at,
        business_date,
        {{ activity_id('miniprogram', 'order', 'refunded_order_no') }} as reverses_activity_id,
        category,
        gross_fen,
        paid_fen,
        source_file,
        source_row,
        load_date
    from orders
    union all
    select
        {{ activity_id('miniprogram', 'event', 'event_id') }} as activity_id,
        event_id as document_no,
        account_id,
        event_type as activity_type,
        occurred_at,
        business_date,
        cast(null as string) as reverses_activity_id,
        cast(null as string) as category,
        cast(0 as bigint) as gross_fen,
        cast(0 as bigint) as paid_fen,
        source_file,
        source_row,
        load_date
    from interactions

),

activities as (

    select
        activity_id,
        'miniprogram' as source,
        document_no,
        account_id,
        activity_type,
        occurred_at,
        business_date,
        reverses_activity_id,
        cast(null as string) as unit_id,
        cast(null as string) as merchant_id,
        'mini_program' as channel,
        category,
        gross_fen,
        paid_fen,
        cast(0 as bigint) as points,
        cast(null as bigint) as quantity,
        source_file,
        source_row,
        load_date
    from movements

)

select * from activities
