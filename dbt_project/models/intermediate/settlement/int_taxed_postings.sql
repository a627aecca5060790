-- The tax inside tonight's lines of points, by the book of taxes on the date that decides their price; of whoever takes
-- points by its own tax status, where that differs. It is rounded once per settlement day, payer, payee, movement,
-- treatment and rate, like their fen, and shared out by largest remainder.
with postings as (

    select * from {{ ref('int_settlement_postings') }}

),

taxes as (

    select * from {{ ref('int_rules__movement_taxes') }}

),

rated as (

    select
        postings.*,
        coalesce(own.rule_id, taxes.rule_id) as tax_rule_id,
        coalesce(own.tax_treatment, taxes.tax_treatment, 'undetermined') as tax_treatment,
        coalesce(own.tax_per_mille, taxes.tax_per_mille, 0) as tax_per_mille
    from postings
    left join {{ ref('int_rules__payee_taxes') }} as own
        on {{ supplier('postings') }} = own.payee_party
        and postings.movement_type = own.movement_type
        and postings.price_date >= own.valid_from_date
        and postings.price_date < own.valid_until_date
    left join taxes
        on postings.movement_type = taxes.movement_type
        and postings.price_date >= taxes.valid_from_date
        and postings.price_date < taxes.valid_until_date

),

exact as (

    select
        *,
        {{ divide_down('amount_fen * tax_per_mille', '1000 + tax_per_mille') }} as whole_fen,
        mod(amount_fen * tax_per_mille, 1000 + tax_per_mille) as remainder
    from rated

),

-- Most points move outside of taxes: of these nothing is left to share out, and sorting them would take the longest.
shared as (

    select
        *,
        {{ largest_remainder(
            'whole_fen',
            'remainder',
            tax_within(
                'sum(amount_fen) over (partition by payer_party, payee_party, movement_type, tax_treatment, tax_per_mille)',
                'tax_per_mille'),
            'payer_party, payee_party, movement_type, tax_treatment, tax_per_mille', 'line_id') }} as tax_fen
    from exact
    where tax_per_mille <> 0
    union all
    select
        *,
        cast(0 as bigint) as tax_fen
    from exact
    where tax_per_mille = 0

),

taxed as (

    select
        line_id,
        entry_id,
        business_date,
        movement_type,
        payer_party,
        payee_party,
        points,
        unit_price_micro_fen,
        amount_fen,
        rounding_micro_fen,
        tax_treatment,
        cast(tax_per_mille as bigint) as tax_per_mille,
        tax_fen,
        is_reversal,
        source,
        account_id,
        activity_id,
        lot_id,
        issuer_business,
        redeemer_business,
        rule_id || coalesce(' ' || tax_rule_id, '') as rule_id,
        document_no,
        unit_id,
        order_fen,
        source_file,
        source_row
    from shared

)

select * from taxed
