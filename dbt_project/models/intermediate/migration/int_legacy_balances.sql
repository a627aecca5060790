-- What systems before this one owed, as their businesses hand it over: one row a line of the list. The id of a line's
-- activity holds its expiry date, so that a line corrected to another one is another activity.
with balances as (
{{ over_businesses('legacy_balances', [
    'source', 'line_no', 'account_id', 'legacy_points', 'expires_on_date', 'legacy_tier_name',
    'as_of_date', 'source_file', 'source_row', 'load_date']) }}
),

legacy_balances as (

    select
        md5(source || '|legacy|' || cast(line_no as string) || '|' || coalesce(cast(expires_on_date as string), ''))
            as activity_id,
        'legacy-' || cast(line_no as string) as document_no,
        *,
        row_number() over (
            partition by business, account_id, as_of_date, expires_on_date, legacy_points, legacy_tier_name
            order by line_no
        ) as repetition
    from balances

)

select * from legacy_balances
