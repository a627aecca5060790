{{ config(materialized='table') }}

-- Orders and events delivered since the last night. Events that earn nothing are among them: one may have been a
-- check-in until it was corrected.
with touched as (
    {{- touched_documents(source('miniprogram', 'orders'), ['order_no'], 'order_no') }}
    union all
    {{- touched_documents(source('miniprogram', 'events'), ['event_id'], 'event_id') }}

)

select * from touched
