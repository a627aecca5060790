-- Where the points of each issuer and month of issue were taken: fct_points_liability_cohorts.redeemed_points by business.
with movements as (

    select * from {{ ref('int_liability_movements') }}
    where entry_type = 'redemption'

),

redeemed as (

    select
        period_month,
        issuer_business,
        issue_month,
        redeemer_business,
        cast(sum(points) as bigint) as redeemed_points
    from movements
    group by period_month, issuer_business, issue_month, redeemer_business

)

select * from redeemed
