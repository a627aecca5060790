{{ config(materialized='file') }}

-- What each touched document was paid with in all, a row a component; amounts of refunds are negative.
with tenders as (

    select * from {{ ref('int_order_tenders') }}

),

components as (

    select
        activity_id,
        component,
        voucher_no,
        cast(sum(amount_fen) as bigint) as amount_fen
    from tenders
    group by activity_id, component, voucher_no

)

select * from components
