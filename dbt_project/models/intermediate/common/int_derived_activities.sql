-- The activities of tonight's touched documents, as the deliveries now say; lines of legacy balances among them.
with activities as (
{{ over_businesses('activities', derived_activity_columns()) }}
    union all
    select
        business,
        {{ derived_activity_columns() | join(',\n        ') }}
    from {{ ref('int_legacy_activities') }}
),

derived as (

    select
        *,
        gross_fen - paid_fen as discount_fen
    from activities

)

select * from derived
