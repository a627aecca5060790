{{ config(materialized='file') }}

-- How tonight's touched documents were paid. All kinds of money are one component, which the merchants share; points are
-- one, and so is each voucher. A document whose tenders never came counts what was due as money.
with tenders as (
{{ over_businesses('order_tenders', ['activity_id', 'tender_type', 'voucher_no', 'amount_fen']) }}
),

items as (

    select * from {{ ref('int_order_items') }}

),

without_tenders as (

    select
        items.activity_id,
        sum(items.due_fen) as amount_fen
    from items
    left join tenders on items.activity_id = tenders.activity_id
    where tenders.activity_id is null
    group by items.activity_id

),

components as (

    select
        activity_id,
        case
            when tender_type = 'voucher' then 'voucher/' || coalesce(voucher_no, '')
            when tender_type = 'points' then 'points'
            else 'money'
        end as component,
        tender_type,
        case when tender_type = 'voucher' then coalesce(voucher_no, '') end as voucher_no,
        amount_fen
    from tenders
    union all
    select
        activity_id,
        'money' as component,
        'unknown' as tender_type,
        cast(null as string) as voucher_no,
        cast(amount_fen as bigint) as amount_fen
    from without_tenders

)

select * from components
