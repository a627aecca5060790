-- What each funder bears of a voucher as a whole: first the amounts, then the percentages of what these leave, neither
-- beyond its limit; whoever bears the rest has all that is left. A voucher without amounts and limits reached is plain.
with programmes as (

    select * from {{ ref('int_voucher_programmes') }}

),

summed as (

    select
        *,
        sum(coalesce(fen, 0)) over (partition by activity_id, component) as amounts_fen,
        sum(percent) over (partition by activity_id, component) as percents
    from programmes

),

exact as (

    select
        *,
        least(amounts_fen, total_fen) as amounts_to_share_fen,
        case when percents = 0 then 0 else total_fen - least(amounts_fen, total_fen) end as percents_to_share_fen,
        case
            when amounts_fen > total_fen then {{ divide_down('total_fen * coalesce(fen, 0)', 'amounts_fen') }}
            else coalesce(fen, 0)
        end as whole_amount_fen,
        case when amounts_fen > total_fen then mod(total_fen * coalesce(fen, 0), amounts_fen) else 0 end
            as amount_remainder
    from summed

),

shared as (

    select
        *,
        {{ largest_remainder('whole_amount_fen', 'amount_remainder', 'amounts_to_share_fen', 'activity_id, component',
            'funder') }}
        + {{ largest_remainder(divide_down('percents_to_share_fen * percent', '100'),
            'mod(percents_to_share_fen * percent, 100)', 'percents_to_share_fen', 'activity_id, component', 'funder') }}
            as wanted_fen
    from exact

),

limited as (

    select
        *,
        case when most_fen < wanted_fen then most_fen else wanted_fen end as limited_fen,
        max(case when fen is not null or most_fen < wanted_fen then 1 else 0 end)
            over (partition by activity_id, component) = 0 as is_plain
    from shared

),

funding as (

    select
        business,
        activity_id,
        component,
        case funder
            when 'own_business' then business
            when 'suspense' then 'suspense/' || business
            else funder
        end as funder,
        is_bearing_rest,
        is_plain,
        case when is_plain then percent when is_bearing_rest then total_fen - sum(
            case when is_bearing_rest then 0 else limited_fen end
        ) over (partition by activity_id, component) else limited_fen end as weight,
        limited_fen,
        rule_id
    from limited

)

select * from funding
