{{ config(materialized='file') }}

-- One line for each priced share of a posting. Fen are rounded once per settlement day, payer, payee and movement; the
-- rounded total is shared out by largest remainder (RULES §7, §10), so the lines add up to it exactly.
with priced as (

    select * from {{ ref('int_priced_postings') }}

),

activities as (

    select * from {{ ref('int_activities') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

exact as (

    select
        *,
        points * unit_price_micro_fen as exact_micro_fen,
        {{ divide_down('points * unit_price_micro_fen', '1000000') }} as whole_fen
    from priced

),

-- What all of them come to stands where it is shared out: asked for before, the postings would be sorted twice. Whole fen
-- get nothing of what is shared out, and most prices are of whole fen: these are not sorted at all.
shared as (

    select
        *,
        {{ largest_remainder(
            'whole_fen',
            'exact_micro_fen - whole_fen * 1000000',
            divide_down(
                'sum(exact_micro_fen) over (partition by payer_party, payee_party, movement_type) + 500000',
                '1000000'),
            'payer_party, payee_party, movement_type', 'entry_id') }} as amount_fen
    from exact
    where exact_micro_fen <> whole_fen * 1000000
    union all
    select
        *,
        cast(whole_fen as bigint) as amount_fen
    from exact
    where exact_micro_fen = whole_fen * 1000000

),

lines as (

    select
        md5('line|' || shared.entry_id || case when shared.movement_type like '%_top_up' then '|top_up' else '' end)
            as line_id,
        shared.entry_id,
        shared.business_date,
        shared.price_date,
        shared.movement_type,
        shared.payer_party,
        shared.payee_party,
        shared.points,
        shared.unit_price_micro_fen,
        shared.amount_fen,
        cast(shared.amount_fen * 1000000 - shared.exact_micro_fen as bigint) as rounding_micro_fen,
        shared.is_reversal,
        shared.source,
        shared.account_id,
        shared.activity_id,
        shared.lot_id,
        shared.issuer_business,
        shared.redeemer_business,
        shared.rule_id || ' ' || shared.price_rule_id || coalesce(' ' || shared.funding_rule_id, '') as rule_id,
        activities.document_no,
        activities.unit_id,
        activities.paid_fen as order_fen,
        activities.source_file,
        activities.source_row
    from shared
    left join activities on shared.activity_id = activities.activity_id

)

select * from lines
