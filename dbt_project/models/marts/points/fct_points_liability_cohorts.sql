-- Roll-forward of what each issuer's members hold in lots, by month of issue. Points are worth what the issuer itself
-- would be paid for them on the statement date; a change of that price is a line of its own, and so are the fen by which
-- the movements were rounded.
with rollforward as (

    select * from {{ ref('int_liability_rollforward') }}

),

expiries as (

    select * from {{ ref('int_liability_expiries') }}

),

valued as (

    select
        rollforward.*,
        coalesce(expiries.expiring_30_days_points, 0) as expiring_30_days_points,
        coalesce(expiries.expiring_60_days_points, 0) as expiring_60_days_points,
        coalesce(expiries.expiring_90_days_points, 0) as expiring_90_days_points,
        {{ rounded_fen('opening_points', 'coalesce(previous_value_micro_fen, value_micro_fen)') }} as opening_fen,
        {{ rounded_fen('opening_points', 'value_micro_fen') }} as opening_fen_now,
        {{ rounded_fen('issued_points', 'value_micro_fen') }} as issued_fen,
        {{ rounded_fen('restored_points', 'value_micro_fen') }} as restored_fen,
        {{ rounded_fen('redeemed_points', 'value_micro_fen') }} as redeemed_fen,
        {{ rounded_fen('expired_points', 'value_micro_fen') }} as expired_fen,
        {{ rounded_fen('clawed_back_points', 'value_micro_fen') }} as clawed_back_fen,
        {{ rounded_fen('repaid_points', 'value_micro_fen') }} as repaid_fen,
        {{ rounded_fen('renewed_points', 'value_micro_fen') }} as renewed_fen,
        {{ rounded_fen('closing_points', 'value_micro_fen') }} as closing_fen
    from rollforward
    left join expiries
        on rollforward.period_month = expiries.period_month
        and rollforward.issuer_business = expiries.issuer_business
        and rollforward.issue_month = expiries.issue_month

),

liability as (

    select
        period_month,
        statement_date,
        issuer_business,
        issue_month,
        cast(opening_points as bigint) as opening_points,
        cast(issued_points as bigint) as issued_points,
        cast(restored_points as bigint) as restored_points,
        cast(redeemed_points as bigint) as redeemed_points,
        cast(expired_points as bigint) as expired_points,
        cast(clawed_back_points as bigint) as clawed_back_points,
        cast(repaid_points as bigint) as repaid_points,
        cast(renewed_points as bigint) as renewed_points,
        cast(closing_points as bigint) as closing_points,
        cast(adjusted_points as bigint) as adjusted_points,
        cast(expiring_30_days_points as bigint) as expiring_30_days_points,
        cast(expiring_60_days_points as bigint) as expiring_60_days_points,
        cast(expiring_90_days_points as bigint) as expiring_90_days_points,
        cast(issued_to_date_points as bigint) as issued_to_date_points,
        cast(used_to_date_points as bigint) as used_to_date_points,
        cast({{ divide_down('greatest(used_to_date_points, 0) * 10000', 'nullif(issued_to_date_points, 0)') }} as bigint)
            as redeemed_per_10000,
        cast(value_micro_fen as bigint) as value_micro_fen,
        cast(opening_fen as bigint) as opening_fen,
        cast(issued_fen as bigint) as issued_fen,
        cast(restored_fen as bigint) as restored_fen,
        cast(redeemed_fen as bigint) as redeemed_fen,
        cast(expired_fen as bigint) as expired_fen,
        cast(clawed_back_fen as bigint) as clawed_back_fen,
        cast(repaid_fen as bigint) as repaid_fen,
        cast(renewed_fen as bigint) as renewed_fen,
        cast(opening_fen_now - opening_fen as bigint) as revalued_fen,
        cast(closing_fen - opening_fen_now - issued_fen - restored_fen + redeemed_fen + expired_fen + clawed_back_fen
            + repaid_fen - renewed_fen as bigint) as rounding_fen,
        cast(closing_fen as bigint) as closing_fen
    from valued

)

select * from liability
