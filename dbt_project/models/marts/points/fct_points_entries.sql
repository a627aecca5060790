{{ config(materialized='file') }}

with entries as (

    select * from {{ ref('int_points_entries') }}

),

links as (

    select * from {{ ref('int_member_links') }}

),

member_entries as (

    select
        entries.entry_id,
        entries.entry_key,
        entries.posted_date,
        entries.business_date,
        entries.entry_type,
        entries.from_party,
        entries.to_party,
        entries.points,
        entries.is_reversal,
        entries.source,
        entries.account_id,
        links.member_id,
        entries.activity_id,
        entries.lot_id,
        entries.parent_lot_id,
        entries.issuer_business,
        entries.redeemer_business,
        entries.price_date,
        entries.expires_on_date,
        entries.release_on_date,
        entries.rule_id
    from entries
    left join links
        on entries.source = links.source
        and entries.account_id = links.account_id

)

select * from member_entries
