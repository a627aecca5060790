{{ config(materialized='file') }}

-- Who is to be paid for an order: each of its merchants with the contract in force on its date, its own, else that of the
-- category, else that of all others. Without a contract, and for a document that cannot be settled, it is suspense.
with documents as (

    select * from {{ ref('int_order_documents') }}

),

contracts as (

    select * from {{ ref('int_rules__merchant_contracts') }}

),

merchants as (

    select
        documents.business,
        documents.activity_id,
        documents.business_date,
        items.merchant_id,
        items.category,
        items.due_fen,
        sum(items.due_fen) over (partition by documents.activity_id) as total_due_fen,
        cast(null as string) as suspense_reason
    from documents
    inner join {{ ref('int_order_items') }} as items on documents.activity_id = items.activity_id
    where documents.document_kind = 'order'
    union all
    select
        business,
        activity_id,
        business_date,
        '' as merchant_id,
        cast(null as string) as category,
        cast(0 as bigint) as due_fen,
        0 as total_due_fen,
        suspense_reason
    from documents
    where document_kind = 'unsettled'

),

contracted as (

    select
        merchants.*,
        coalesce(own.rule_id, of_category.rule_id, of_others.rule_id) as contract_id
    from merchants
    left join contracts as own
        on merchants.business = own.business
        and merchants.merchant_id = own.merchant_id
        and merchants.business_date >= own.valid_from_date
        and merchants.business_date < own.valid_until_date
    left join contracts as of_category
        on merchants.business = of_category.business
        and merchants.category = of_category.category
        and merchants.business_date >= of_category.valid_from_date
        and merchants.business_date < of_category.valid_until_date
    left join contracts as of_others
        on merchants.business = of_others.business
        and of_others.merchant_id is null
        and of_others.category is null
        and merchants.suspense_reason is null
        and merchants.business_date >= of_others.valid_from_date
        and merchants.business_date < of_others.valid_until_date

),

legs as (

    select
        business,
        activity_id,
        business_date,
        merchant_id,
        category,
        due_fen,
        case when total_due_fen = 0 then 1 else due_fen end as weight,
        contract_id,
        coalesce(contract_id, suspense_reason, 'suspense/no_contract') as rule_id,
        case
            when contract_id is null then 'suspense/' || business
            else business || '/' || merchant_id
        end as merchant_party
    from contracted

)

select * from legs
