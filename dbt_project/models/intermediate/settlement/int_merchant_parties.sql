-- Merchants as parties: those that a business has named, those that have a contract, any that a line or a payment names; and
-- suspense where a line names it.
with masters as (

    select * from {{ ref('dim_merchants') }}

),

entities as (

    select * from {{ ref('int_rules__merchant_entities') }}

),

named as (

    select business || '/' || merchant_id as party
    from masters
    union
    select business || '/' || merchant_id as party
    from entities
    union
    select payer_party as party
    from {{ ref('int_settlement_lines') }}
    where payer_party like '%/%'
    union
    select payee_party as party
    from {{ ref('int_settlement_lines') }}
    where payee_party like '%/%'
    union
    select party
    from {{ ref('int_payment_sides') }}
    where party like '%/%'

),

divided as (

    select
        party,
        substring(party, 1, position('/' in party) - 1) as business,
        substring(party, position('/' in party) + 1) as merchant_id
    from named

),

parties as (

    select
        divided.party,
        divided.business,
        divided.merchant_id,
        case when divided.business = 'suspense' then 'suspense' else 'merchant' end as party_kind,
        coalesce(masters.merchant_name, businesses.business_name || '待清分', divided.merchant_id) as party_name,
        entities.legal_entity_name,
        entities.unified_social_credit_code
    from divided
    left join masters
        on divided.business = masters.business
        and divided.merchant_id = masters.merchant_id
    left join entities
        on divided.business = entities.business
        and divided.merchant_id = entities.merchant_id
    left join {{ ref('dim_businesses') }} as businesses
        on divided.business = 'suspense'
        and divided.merchant_id = businesses.business

)

select * from parties
