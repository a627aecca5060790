{{ config(materialized='table') }}

-- Tonight's lines of months that are over: first on the night that ends a month, later where something came late.
with posted as (

    select * from {{ ref('int_posted__settlement_lines') }}
    where activity_id is null
        and {{ is_order_movement('movement_type') }}

),

differences as (

    {{ line_differences(ref('int_contract_month_lines'), 'posted') }}

),

postings as (

    {{ lines_of_differences('differences') }}

)

select * from postings
