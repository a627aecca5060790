-- What whoever bears the rest pays a funder back: what the month added to the part of its use that lies beyond its budget;
-- the other way round in a month whose refunds brought the use back towards it. On the month's last day, taxed like a voucher.
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

lines as (

    select
        amounts.business_date,
        amounts.movement_type,
        case when amounts.excess_fen > 0 then amounts.rest_party else amounts.funder_party end as payer_party,
        case when amounts.excess_fen > 0 then amounts.funder_party else amounts.rest_party end as payee_party,
        'contracts' as source,
        cast(null as string) as account_id,
        cast(null as string) as activity_id,
        amounts.rule_id || coalesce(' ' || taxes.rule_id, '') as rule_id,
        cast(amounts.amount_fen as bigint) as amount_fen,
        cast(0 as bigint) as rounding_micro_fen,
        coalesce(taxes.tax_treatment, 'undetermined') as tax_treatment,
        coalesce(taxes.tax_per_mille, 0) as tax_per_mille,
        cast({{ tax_within('amounts.amount_fen', 'coalesce(taxes.tax_per_mille, 0)') }} as bigint) as tax_fen,
        cast(null as string) as source_file,
        cast(null as bigint) as source_row
    from amounts
    left join {{ ref('int_rules__movement_taxes') }} as taxes
        on amounts.movement_type = taxes.movement_type
        and amounts.business_date >= taxes.valid_from_date
        and amounts.business_date < taxes.valid_until_date

)

select * from lines
