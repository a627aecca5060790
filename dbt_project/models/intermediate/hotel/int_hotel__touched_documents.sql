{{ config(materialized='table') }}

-- All folios of a stay of which the stay itself or a folio was delivered since the last night: its nights count on the
-- first of them. Lines of legacy balances touch themselves.
with stays as (
    {{- touched_documents(source('hotel', 'stays'), ['stay_no'], 'stay_no') }}
    union all
    {{- touched_documents(source('hotel', 'folios'), ['folio_no'], 'stay_no') }}

),

touched as (

    select folios.folio_no as document_no
    from {{ source('hotel', 'folios') }} as folios
    where folios.stay_no in (select document_no from stays)
    union all
    {{- touched_documents(
        source('hotel', 'legacy_balances'), ['line_no'], "'legacy-' || cast(line_no as string)") }}

)

select * from touched
