with payments as (

    select * from {{ ref('int_property__fee_payments') }}

),

movements as (

    select
        *,
        case when original_payment_no is null then 'fee_payment' else 'refund' end as activity_type,
        {{ activity_id('property', 'payment', 'payment_no') }} as activity_id,
        {{ activity_id('property', 'payment', 'original_payment_no') }} as reverses_activity_id
    from payments
    union all
    select
        *,
        case when original_payment_no is null then 'points_redemption' else 'points_return' end as activity_type,
        {{ activity_id('property', 'points', 'payment_no') }} as activity_id,
        {{ activity_id('property', 'points', 'original_payment_no') }} as reverses_activity_id
    from payments
    where points_used <> 0

),

activities as (

    select
        activity_id,
        'property' as source,
        payment_no as document_no,
        account_id,
        activity_type,
        paid_at as occurred_at,
        business_date,
        reverses_activity_id,
        unit_no as unit_id,
        cast(null as string) as merchant_id,
        channel as channel,
        fee_type as category,
        case when activity_type in ('fee_payment', 'refund') then gross_fen else 0 end as gross_fen,
        case when activity_type in ('fee_payment', 'refund') then paid_fen else 0 end as paid_fen,
        case when activity_type in ('fee_payment', 'refund') then 0 else abs(points_used) end as points,
        cast(null as bigint) as quantity,
        source_file,
        source_row,
        load_date
    from movements

)

select * from activities
