-- Who bears each touched voucher: the funders of its programme's version. One that no programme knows, or that paid for
-- other goods than it is for, is borne by suspense.
with vouchers as (

    select * from {{ ref('int_order_vouchers') }}

),

funders as (

    select * from {{ ref('int_rules__voucher_funders') }}

),

out_of_scope as (

    select distinct
        vouchers.activity_id,
        vouchers.component
    from vouchers
    inner join {{ ref('int_rules__voucher_scopes') }} as scopes on vouchers.rule_id = scopes.rule_id
    left join {{ ref('int_scoped_vouchers') }} as scoped
        on vouchers.activity_id = scoped.activity_id
        and vouchers.component = scoped.component
    where vouchers.document_kind = 'order'
        and scoped.activity_id is null

),

borne as (

    select
        vouchers.business,
        vouchers.activity_id,
        vouchers.component,
        vouchers.total_fen,
        case
            when out_of_scope.activity_id is not null then 'suspense/voucher_out_of_scope'
            else coalesce(vouchers.rule_id, 'suspense/unknown_voucher')
        end as rule_id
    from vouchers
    left join out_of_scope
        on vouchers.activity_id = out_of_scope.activity_id
        and vouchers.component = out_of_scope.component

),

programmes as (

    select
        borne.business,
        borne.activity_id,
        borne.component,
        borne.total_fen,
        coalesce(funders.funder, 'suspense') as funder,
        case when funders.rule_id is null then 100 else coalesce(funders.percent, 0) end as percent,
        case when funders.most_fen < funders.fen then funders.most_fen else funders.fen end as fen,
        funders.most_fen,
        coalesce(funders.is_bearing_rest, true) as is_bearing_rest,
        borne.rule_id
    from borne
    left join funders on borne.rule_id = funders.rule_id

)

select * from programmes
