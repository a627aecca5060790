{{ config(materialized='table') }}

-- Orders delivered since the last night.
with touched as (
    {{- touched_documents(source('tickets', 'orders'), ['order_no'], 'order_no') }}

)

select * from touched
