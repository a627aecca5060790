{{ config(materialized='table') }}

-- Each voucher that paid for a touched document, with its programme's version: that of the longest prefix of its number,
-- on its date; none if no programme knows it.
with vouchers as (

    select
        documents.business,
        documents.activity_id,
        documents.business_date,
        documents.document_kind,
        components.component,
        components.voucher_no,
        abs(components.amount_fen) as total_fen
    from {{ ref('int_order_components') }} as components
    inner join {{ ref('int_order_documents') }} as documents on components.activity_id = documents.activity_id
    where components.voucher_no is not null
        and components.amount_fen <> 0
        and documents.document_kind <> 'refund'

),

versions as (

    select distinct
        business,
        voucher_prefix,
        valid_from_date,
        valid_until_date,
        rule_id
    from {{ ref('int_rules__voucher_funders') }}

),

matched as (

    select
        vouchers.*,
        versions.rule_id,
        row_number() over (
            partition by vouchers.activity_id, vouchers.component
            order by length(versions.voucher_prefix) desc nulls last
        ) as place
    from vouchers
    left join versions
        on vouchers.business = versions.business
        and substring(vouchers.voucher_no, 1, length(versions.voucher_prefix)) = versions.voucher_prefix
        and vouchers.business_date >= versions.valid_from_date
        and vouchers.business_date < versions.valid_until_date

),

known as (

    select
        business,
        activity_id,
        document_kind,
        component,
        total_fen,
        rule_id
    from matched
    where place = 1

)

select * from known
