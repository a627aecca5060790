with held_links as (

    select * from {{ ref('int_held_links') }}

),

links as (

    select * from {{ ref('int_member_links') }}

),

-- Two accounts may share several values of one type, such as two plates: that is one thing to decide.
pairs as (

    select
        low_source,
        low_account_id,
        high_source,
        high_account_id,
        rule,
        reason,
        value_type,
        count(*) as link_count,
        max(case when rule = 'compared' then weight_millibits end) as weight_millibits
    from held_links
    group by low_source, low_account_id, high_source, high_account_id, rule, reason, value_type

),

reviews as (

    select
        pairs.low_source,
        pairs.low_account_id,
        low_links.member_id as low_member_id,
        pairs.high_source,
        pairs.high_account_id,
        high_links.member_id as high_member_id,
        pairs.rule,
        pairs.reason,
        pairs.value_type,
        pairs.link_count,
        pairs.weight_millibits
    from pairs
    inner join links as low_links
        on pairs.low_source = low_links.source
        and pairs.low_account_id = low_links.account_id
    inner join links as high_links
        on pairs.high_source = high_links.source
        and pairs.high_account_id = high_links.account_id

)

select * from reviews
