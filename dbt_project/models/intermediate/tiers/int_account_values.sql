-- What moves a metric of tiers and is an account's own; days with a visit are the member's (int_metric_visits).
with account_values as (

    select * from {{ ref('int_vested_money') }}
    union all
    select * from {{ ref('int_metric_counts') }}

)

select * from account_values
