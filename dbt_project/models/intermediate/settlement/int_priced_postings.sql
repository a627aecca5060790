-- Tonight's points entries that move money, with payer, payee and price (RULES §7, pool fund): the issuer pays
-- the fund at issue (pending points when they are released), the fund pays whoever takes the points; a claw-back or a
-- return goes the other way. Points of opening lots were never paid for: their issuer pays instead of the fund, and pays
-- the fund when such a lot repays a debt.
with postings as (

    select * from {{ ref('int_points_postings') }}

),

prices as (

    select * from {{ ref('int_rules__settlement_prices') }}

),

fund as (

    select * from {{ ref('int_rules__fund') }}

),

moving as (

    select
        postings.*,
        coalesce(settling_business, issuer_business) as business,
        case
            when entry_type in ('redemption', 'restore') then issuer_business
            else coalesce(settling_business, issuer_business)
        end as price_issuer,
        case
            when {{ is_opening_lot('lot_id') }} and entry_type <> 'debt_repayment' then issuer_business
            else fund.party
        end as other_party,
        entry_type in ('accrual', 'release', 'claw_back', 'claw_back_debt', 'debt_repayment') as is_at_issue_price,
        (entry_type in ('accrual', 'release', 'restore', 'restore_debt', 'debt_repayment')) <> is_reversal
            as is_paid_by_business
    from postings
    cross join fund
    where {{ moves_money('postings') }}

),

priced as (

    select
        moving.*,
        case when is_paid_by_business then moving.business else moving.other_party end as payer_party,
        case when is_paid_by_business then moving.other_party else moving.business end as payee_party,
        case
            when is_at_issue_price then prices.issue_price_micro_fen
            else prices.reimbursement_price_micro_fen
        end as unit_price_micro_fen,
        prices.rule_id as price_rule_id
    from moving
    left join prices
        on moving.price_issuer = prices.issuer_business
        and moving.business = prices.redeemer_business
        and moving.price_date >= prices.valid_from_date
        and moving.price_date < prices.valid_until_date

)

select * from priced
