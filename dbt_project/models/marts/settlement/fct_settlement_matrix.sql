-- Whose points were taken where: issuer by redeemer, points and money, net of returns. Points of which the fund pays a
-- share and the issuer the rest count once. What an issuer takes itself without a deposit moves no money.
with lines as (

    select * from {{ ref('fct_settlement_lines') }}

),

redeemed as (

    select
        period_month,
        coalesce(issuer_business, 'debt') as issuer_business,
        redeemer_business,
        case
            when (movement_type in ('redemption', 'redemption_top_up', 'redemption_debt')) <> is_reversal then 1
            else -1
        end as direction,
        case when movement_type like '%_top_up' then 0 else points end as points,
        amount_fen
    from lines
    where movement_type in (
        'redemption', 'redemption_top_up', 'redemption_debt', 'restore', 'restore_top_up', 'restore_debt')

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
