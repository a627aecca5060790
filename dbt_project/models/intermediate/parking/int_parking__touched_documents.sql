{{ config(materialized='table') }}

-- Sessions delivered or paid since the last night, and those of a car whose binding to a driver was.
with cars as (
    {{- touched_documents(source('parking', 'vehicles'), ['vehicle_id'], 'plate_no_token') }}

),

touched as (
    {{- touched_documents(source('parking', 'sessions'), ['session_no'], 'session_no') }}
    union all
    {{- touched_documents(source('parking', 'payments'), ['payment_no'], 'session_no') }}
    union all
    select sessions.session_no as document_no
    from {{ source('parking', 'sessions') }} as sessions
    where sessions.plate_no_token in (select document_no from cars)

)

select * from touched
