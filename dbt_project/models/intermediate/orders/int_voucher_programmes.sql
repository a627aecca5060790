-- Who bears each touched voucher: the funders of the programme with the longest prefix of its number, on its date; a
-- voucher that no programme knows is borne by suspense.
with vouchers as (

    select distinct
        business,
        activity_id,
        business_date,
        component,
        voucher_no,
        total_fen
    from {{ ref('int_order_shares') }}
    where voucher_no is not null

),

funders as (

    select * from {{ ref('int_rules__voucher_funders') }}

),

matched as (

    select
        vouchers.*,
        funders.funder,
        funders.percent,
        funders.fen,
        funders.most_fen,
        funders.is_bearing_rest,
        funders.rule_id,
        length(funders.voucher_prefix) as prefix_length
    from vouchers
    left join funders
        on vouchers.business = funders.business
        and substring(vouchers.voucher_no, 1, length(funders.voucher_prefix)) = funders.voucher_prefix
        and vouchers.business_date >= funders.valid_from_date
        and vouchers.business_date < funders.valid_until_date

),

ranked as (

    select
        *,
        max(prefix_length) over (partition by activity_id, component) as longest
    from matched

),

programmes as (

    select
        business,
        activity_id,
        component,
        total_fen,
        coalesce(funder, 'suspense') as funder,
        case when rule_id is null then 100 else coalesce(percent, 0) end as percent,
        case when most_fen < fen then most_fen else fen end as fen,
        most_fen,
        coalesce(is_bearing_rest, true) as is_bearing_rest,
        coalesce(rule_id, 'suspense/unknown_voucher') as rule_id
    from ranked
    where prefix_length is null or prefix_length = longest

)

select * from programmes
