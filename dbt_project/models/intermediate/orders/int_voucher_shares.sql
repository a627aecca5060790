{{ config(materialized='file') }}

-- Each merchant's part of a voucher over its funders, by largest remainder (RULES §8). No funder bears more than what it
-- bears of the whole voucher where that is limited: what rounding would add goes to whoever bears the rest.
with shares as (

    select * from {{ ref('int_order_shares') }}
    where voucher_no is not null

),

funding as (

    select
        *,
        sum(weight) over (partition by activity_id, component) as weights
    from {{ ref('int_voucher_funding') }}

),

exact as (

    select
        shares.business,
        shares.activity_id,
        shares.merchant_id,
        shares.merchant_party,
        shares.component,
        shares.is_given_back,
        shares.share_fen as leg_fen,
        shares.rule_id as contract_rule_id,
        case funding.funder when 'own_merchant' then shares.merchant_party else funding.funder end as funder_party,
        funding.is_bearing_rest,
        funding.is_plain,
        funding.limited_fen,
        funding.rule_id,
        funding.weights,
        {{ divide_down('shares.share_fen * funding.weight', 'funding.weights') }} as whole_fen,
        mod(shares.share_fen * funding.weight, funding.weights) as remainder
    from shares
    inner join funding
        on shares.activity_id = funding.activity_id
        and shares.component = funding.component

),

shared as (

    select
        *,
        {{ largest_remainder('whole_fen', 'remainder', 'leg_fen', 'activity_id, component, merchant_id',
            'funder_party') }} as exact_share_fen
    from exact

),

so_far as (

    select
        *,
        sum(exact_share_fen) over (
            partition by activity_id, component, funder_party
            order by merchant_id
            rows between unbounded preceding and current row
        ) as up_to_here_fen
    from shared

),

limited as (

    select
        *,
        case
            when is_plain then exact_share_fen
            when is_bearing_rest then 0
            else least(up_to_here_fen, limited_fen) - least(up_to_here_fen - exact_share_fen, limited_fen)
        end as borne_fen
    from so_far

),

borne as (

    select
        business,
        activity_id,
        merchant_id,
        merchant_party,
        component,
        is_given_back,
        funder_party,
        contract_rule_id || ' ' || rule_id as rule_id,
        cast(case
            when is_plain or not is_bearing_rest then borne_fen
            else leg_fen - sum(borne_fen) over (partition by activity_id, component, merchant_id)
        end as bigint) as share_fen,
        {{ share_rounding('exact_share_fen', 'whole_fen', 'remainder', 'weights') }} as rounding_micro_fen
    from limited

)

select * from borne
