-- Documents whose activities are derived again tonight.
with touched as (
{{ over_businesses('touched_documents', ['document_no']) }}
),

documents as (

    select distinct
        business,
        document_no
    from touched

)

select * from documents
