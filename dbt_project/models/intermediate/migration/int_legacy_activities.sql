-- Lines of legacy balances in the common shape: opening balances at the end of the cut-over date, after all that
-- happened on it. The category is the tier's name in the legacy system.
with balances as (

    select * from {{ ref('int_legacy_balances') }}

),

documents as (

    select * from {{ ref('int_touched_documents') }}

),

activities as (

    select
        balances.business,
        balances.activity_id,
        balances.source,
        balances.document_no,
        balances.account_id,
        'opening_balance' as activity_type,
        cast({{ add_days('balances.as_of_date', '1') }} as timestamp) as occurred_at,
        balances.as_of_date as business_date,
        cast(null as string) as reverses_activity_id,
        cast(null as string) as unit_id,
        cast(null as string) as merchant_id,
        'legacy_system' as channel,
        balances.legacy_tier_name as category,
        cast(0 as bigint) as gross_fen,
        cast(0 as bigint) as paid_fen,
        greatest(balances.legacy_points, 0) as points,
        cast(null as bigint) as quantity,
        balances.source_file,
        balances.source_row,
        balances.load_date
    from balances
    inner join documents
        on balances.business = documents.business
        and balances.document_no = documents.document_no

)

select * from activities
