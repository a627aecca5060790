with orders as (

    select * from {{ ref('stg_tickets__orders') }}

),

activities as (

    select
        {{ activity_id('tickets', 'order', 'order_no') }} as activity_id,
        'tickets' as source,
        order_no as document_no,
        account_id,
        case when refunded_order_no is null then 'purchase' else 'refund' end as activity_type,
        ordered_at as occurred_at,
        business_date,
        case
            when refunded_order_no is not null then {{ activity_id('tickets', 'order', 'refunded_order_no') }}
        end as reverses_activity_id,
        gate_no as unit_id,
        cast(null as string) as merchant_id,
        'gate' as channel,
        cast(null as string) as category,
        paid_fen as gross_fen,
        paid_fen as paid_fen,
        cast(0 as bigint) as points,
        cast(null as bigint) as quantity,
        source_file,
        source_row,
        load_date
    from orders

)

select * from activities
