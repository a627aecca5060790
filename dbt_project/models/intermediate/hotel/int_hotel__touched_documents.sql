{{ config(materialized='table') }}

-- Folios delivered since the last night.
with touched as (
    {{- touched_documents(source('hotel', 'folios'), ['folio_no'], 'folio_no') }}

)

select * from touched
