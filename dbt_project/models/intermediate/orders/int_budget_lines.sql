-- What whoever bears the rest pays a funder back: what the month added to the part of its use that lies beyond its budget;
-- the other way round in a month whose refunds brought the use back towards it. On the month's last day, taxed like a
-- voucher, by the funder's tax status.
with months as (

    select
        *,
        sum(used_fen) over (
            partition by rule_id, funder_party order by month rows between unbounded preceding and current row
        ) as used_to_date_fen
    from {{ ref('int_budget_months') }}

),

excesses as (

    select
        rule_id,
        funder_party,
        rest_party,
        {{ add_days(add_months('month', '1'), '-1') }} as business_date,
        greatest(used_to_date_fen - budget_fen, 0) - greatest(used_to_date_fen - used_fen - budget_fen, 0) as excess_fen
    from months

),

amounts as (

    select
        *,
        case when excess_fen > 0 then 'budget_excess' else 'budget_excess_refund' end as movement_type,
        abs(excess_fen) as amount_fen
    from excesses
    where excess_fen <> 0

),

taxed as (

    select
        amounts.*,
        coalesce(own.rule_id, taxes.rule_id) as tax_rule_id,
        coalesce(own.tax_treatment, taxes.tax_treatment, 'undetermined') as tax_treatment,
        coalesce(own.tax_per_mille, taxes.tax_per_mille, 0) as tax_per_mille
    from amounts
    left join {{ ref('int_rules__movement_taxes') }} as taxes
        on amounts.movement_type = taxes.movement_type
        and amounts.business_date >= taxes.valid_from_date
        and amounts.business_date < taxes.valid_until_date
    left join {{ ref('int_rules__payee_taxes') }} as own
        on amounts.funder_party = own.payee_party
        and amounts.movement_type = own.movement_type
        and amounts.business_date >= own.valid_from_date
        and amounts.business_date < own.valid_until_date

),

lines as (

    select
        business_date,
        movement_type,
        case when excess_fen > 0 then rest_party else funder_party end as payer_party,
        case when excess_fen > 0 then funder_party else rest_party end as payee_party,
        'contracts' as source,
        cast(null as string) as account_id,
        cast(null as string) as activity_id,
        rule_id || coalesce(' ' || tax_rule_id, '') as rule_id,
        cast(amount_fen as bigint) as amount_fen,
        cast(0 as bigint) as rounding_micro_fen,
        tax_treatment,
        tax_per_mille,
        cast({{ tax_within('amount_fen', 'tax_per_mille') }} as bigint) as tax_fen,
        cast(null as string) as document_no,
        cast(null as string) as unit_id,
        cast(null as bigint) as order_fen,
        cast(null as string) as source_file,
        cast(null as bigint) as source_row
    from taxed

)

select * from lines
