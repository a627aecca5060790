-- Whose points were taken where: issuer by redeemer, points and money, net of returns.
with lines as (

    select * from {{ ref('fct_settlement_lines') }}

),

redeemed as (

    select
        period_month,
        coalesce(issuer_business, 'debt') as issuer_business,
        redeemer_business,
        case
            when (movement_type in ('redemption', 'redemption_debt')) <> is_reversal then 1
            else -1
        end as direction,
        points,
        amount_fen
    from lines
    where movement_type in ('redemption', 'redemption_debt', 'restore', 'restore_debt')

),

matrix as (

    select
        period_month,
        issuer_business,
        redeemer_business,
        cast(sum(direction * points) as bigint) as points,
        cast(sum(direction * amount_fen) as bigint) as amount_fen
    from redeemed
    group by period_month, issuer_business, redeemer_business

)

select * from matrix
