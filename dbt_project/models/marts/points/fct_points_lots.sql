with lots as (

    select * from {{ ref('int_lots') }}

),

links as (

    select * from {{ ref('int_member_links') }}

),

member_lots as (

    select
        lots.lot_id,
        links.member_id,
        lots.source,
        lots.account_id,
        lots.issuer_business,
        lots.earned_on_date,
        lots.expires_on_date,
        lots.issued_points,
        lots.redeemed_points,
        lots.expired_points,
        lots.clawed_back_points,
        lots.repaid_points,
        lots.remaining_points
    from lots
    left join links
        on lots.source = links.source
        and lots.account_id = links.account_id

)

select * from member_lots
