{{ config(materialized='table') }}

-- Rows of every contract whose key was delivered since the last night, with all that was ever said of that key.
with delivered as (
{{ delivered_rows() }}

)

select * from delivered
