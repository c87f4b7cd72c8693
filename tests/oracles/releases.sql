-- Was each release that a ledger records allowed on its day by 42 CFR 401.707 to 401.718?
--
-- Written from the regulation and rules.md (sections 0, 1A to 1G, 2 and 6) and the schemas of the events alone.
-- Run in a connection whose main database is the ledger and that has temp.setting(operator, entity_zone, day_count).
-- It ends in the view violation(seq, kind, rule, why): one row for each release and each rule that did not hold.
--
-- Left out, for the ledger alone cannot show it: G16 (visits of each person), G22 (channel), G23 (scan of the bytes).
-- An act happens at the end of its day in the entity's zone. A wait of n days ends with day n, so that the act is
-- allowed from day n + 1; a deadline of the entity includes its day (1G, conservative count).

------------------------------------------------------------------------------------------------------------------
-- What was known
------------------------------------------------------------------------------------------------------------------

-- The releases judged.
create temp table act as
select seq, effective_on as day, kind, payload
from main.event
where kind in ('public_released', 'npa_disclosed', 'data_disclosed');

-- When an event was first taken back (section 2, ledger: a retraction counts for every day, from when it is recorded).
create temp table taken_back as
select retracts as event_id, min(seq) as seq
from main.event
where retracts is not null and retracts <> ''
group by retracts;

-- The events each release may rely on: recorded before it, in effect on its day, not taken back before it. They are
-- numbered in the order in which they took effect; of one day, in the order recorded (section 2, bitemporal).
create temp table known as
select act.seq as act, act.day as act_day, event.seq, event.event_id, event.kind, event.effective_on as day,
       event.payload, event.actor,
       row_number() over (partition by act.seq order by event.effective_on, event.seq) as nth
from act
join main.event as event on event.seq < act.seq and event.effective_on <= act.day
left join taken_back on taken_back.event_id = event.event_id and taken_back.seq < act.seq
where taken_back.event_id is null;

create index temp.known_by_kind on known (act, kind);

-- 401.716(a), 401.718(a): what was defined for whom; the last definition of each analysis counts.
create temp view definition as
select act, payload ->> 'analysis_id' as analysis_id, payload ->> 'kind' as kind, payload ->> 'run_id' as run_id,
       payload ->> 'party_id' as party_id, payload ->> 'purpose' as purpose, payload -> 'areas' as areas,
       payload ->> 'period_start' as period_start, payload ->> 'period_end' as period_end,
       payload ->> 'fee_dollars' as fee_dollars,
       row_number() over (partition by act, payload ->> 'analysis_id' order by nth desc) as from_last
from known
where kind = 'npa_defined';

-- 401.703(j): each third party as it was documented last, unless it was revoked since.
create temp view party as
select act, payload ->> 'party_id' as party_id, kind = 'user_authorised' as authorised, payload ->> 'kind' as kind,
       payload ->> 'unit_id' as unit_id, coalesce(payload ->> 'nonprofit', 0) in (1, 'true') as nonprofit,
       coalesce(payload ->> 'majority', 0) in (1, 'true') as majority, coalesce(payload ->> 'scope', '') as scope,
       coalesce(payload ->> 'executive', 0) in (1, 'true') as executive,
       row_number() over (partition by act, payload ->> 'party_id' order by nth desc) as from_last
from known
where kind in ('user_authorised', 'user_revoked');

-- Each release with what it is about.
create temp table judged as
select act.seq as act, act.day, act.kind,
       act.payload ->> 'cycle' as cycle,
       coalesce(definition.run_id, act.payload ->> 'run_id') as run_id,
       coalesce(act.payload ->> 'bundle_sha256', act.payload ->> 'artefact_sha256') as bytes,
       coalesce(act.payload -> 'units', '[]') as units,
       coalesce(act.payload ->> 'open_requests', 0) as open_requests,
       coalesce(act.payload -> 'withheld', '[]') as withheld,
       coalesce(act.payload ->> 'persons', 0) as persons,
       act.payload ->> 'analysis_id' as analysis_id,
       act.payload ->> 'party_id' as party_id,
       definition.kind as defined_kind, definition.party_id as defined_party, definition.purpose,
       definition.areas, definition.period_start, definition.period_end, definition.fee_dollars,
       case when party.authorised then party.kind end as user_kind,
       party.unit_id as user_unit, party.nonprofit, party.majority, party.scope, party.executive,
       coalesce(act.payload ->> 'persons', 0) > 0
         or coalesce(definition.kind, '') in ('npa_patient_identifiable', 'data_patient_identifiable') as identifiable,
       case act.kind when 'public_released' then 'public' when 'npa_disclosed' then 'analyses' else 'data' end as use
from act
left join definition on definition.act = act.seq and definition.analysis_id = act.payload ->> 'analysis_id'
  and definition.from_last = 1
left join party on party.act = act.seq and party.party_id = act.payload ->> 'party_id' and party.from_last = 1;

-- The run behind each release, as it was recorded last.
create temp table run as
select act, payload from (
  select judged.act, known.payload, row_number() over (partition by judged.act order by nth desc) as from_last
  from judged
  join known on known.act = judged.act and known.kind = 'run_completed' and known.payload ->> 'run_id' = judged.run_id
)
where from_last = 1;

create temp view run_unknown as
select act, 'the run is not on record' as why from judged where act not in (select act from run);

-- Its sources, written id:payer_type+label+label.
create temp view run_source as
select act, substr(value, 1, instr(value, ':') - 1) as source_id,
       substr(rest, 1, instr(rest || '+', '+') - 1) as payer_type,
       substr(rest, instr(rest || '+', '+')) || '+' as labels
from (
  select run.act, each.value, substr(each.value, instr(each.value, ':') + 1) as rest
  from run, json_each(run.payload, '$.sources') as each
);

-- Its measures, written id@version@level, and whether each ran as an alternative one.
create temp view run_measure as
select run.act, each.value as measure,
       each.value in (select value from json_each(run.payload, '$.alternatives')) as alternative
from run, json_each(run.payload, '$.measures') as each;

-- Who made it: everybody who recorded it.
create temp view run_maker as
select judged.act, known.actor
from judged
join known on known.act = judged.act and known.kind = 'run_completed' and known.payload ->> 'run_id' = judged.run_id;

-- The providers and suppliers named in each release.
create temp view named as
select distinct judged.act, judged.day, judged.cycle, judged.run_id, each.value as unit_id
from judged, json_each(judged.units) as each;

------------------------------------------------------------------------------------------------------------------
-- The entity: G1 to G4, G6
------------------------------------------------------------------------------------------------------------------

-- 401.709(c): three years from the day of CMS's notification; the anniversary is outside (A6, section 6 no. 18). The
-- end of a month is clipped backward. 401.709(f): a renewal that CMS approved is an approval from its day.
create temp view term as
select act, nth, approved_on, expires_on,
       min(date(expires_on, '-6 months'), date(expires_on, 'start of month', '-5 months', '-1 day')) as apply_by
from (
  select act, nth, approved_on,
         min(date(approved_on, '+3 years'), date(approved_on, 'start of month', '+3 years', '+1 month', '-1 day'))
           as expires_on
  from (
    select act, act_day, nth, payload ->> 'approved_on' as approved_on from known where kind = 'entity_approved'
    union all
    select act, act_day, nth, payload ->> 'decided_on' from known
    where kind = 'cms_decision' and payload ->> 'about' = 'renewal' and payload ->> 'decision' = 'approved'
  )
  where approved_on <= act_day
);

-- 401.709(f): applications to go on.
create temp view renewal_applied as
select act, payload ->> 'submitted_on' as submitted_on
from known
where kind = 'entity_applied' and payload ->> 'route' = 'renewal';

-- 401.709(f): a denial ends the relationship.
create temp view renewal_denied as
select act, nth, payload ->> 'decided_on' as decided_on
from known
where kind = 'cms_decision' and payload ->> 'about' = 'renewal' and payload ->> 'decision' = 'denied';

-- G1, 401.709(c), (f): within three years of an approval, or past them with a re-application submitted at least six
-- months before their end; and not denied since.
create temp view g1 as
select act, 'G1' as rule, 'no approval by CMS stands on this day' as why
from judged
where not exists (
  select 1 from term
  where term.act = judged.act
    and (judged.day < term.expires_on or exists (
      select 1 from renewal_applied
      where renewal_applied.act = term.act
        and renewal_applied.submitted_on between term.approved_on and term.apply_by))
    and not exists (
      select 1 from renewal_denied
      where renewal_denied.act = term.act
        and (renewal_denied.decided_on, renewal_denied.nth) > (term.approved_on, term.nth))
);

-- G2, 401.721(b): terminated by CMS or by itself, and not approved again on a later day. (Of an approval dated the day of
-- the end the text leaves open which came last; it does not count: docs/ambiguities.md.)
create temp view g2 as
select known.act, 'G2' as rule, known.kind || ' of ' || (known.payload ->> 'notified_on') as why
from known
where known.kind in ('termination_notified', 'voluntary_exit')
  and not exists (
    select 1 from term
    where term.act = known.act and term.approved_on > known.payload ->> 'notified_on');

-- What was recorded about each decrease of other payers' claims, the last first. An officer's classification after CMS has
-- decided, and before another decrease is seen, says nothing: 401.711(c) leaves the decision to CMS.
create temp view decrease as
select act, payload ->> 'decrease_id' as decrease_id,
       kind = 'decrease_classified' or coalesce(payload ->> 'decision', '') = 'sufficient' as settled,
       row_number() over (partition by act, payload ->> 'decrease_id' order by nth desc) as from_last
from known as told
where kind in ('decrease_detected', 'decrease_classified', 'cms_sufficiency_decision')
  and not (
      kind = 'decrease_classified'
      and coalesce((
          select kind = 'cms_sufficiency_decision' from known as before
          where before.act = told.act and before.payload ->> 'decrease_id' = told.payload ->> 'decrease_id'
            and before.kind in ('decrease_detected', 'cms_sufficiency_decision') and before.nth < told.nth
          order by before.nth desc limit 1
      ), 0)
  );

-- G3, 401.711(c): the last word on each decrease says that there is none or that the claims left suffice.
create temp view g3 as
select act, 'G3' as rule, 'decrease ' || decrease_id || ' is open' as why
from decrease
where from_last = 1 and not settled;

-- Each data use agreement with CMS as it was recorded last.
create temp view dua as
select act, act_day, kind = 'dua_signed' as signed, payload ->> 'party' as party,
       payload ->> 'expires_on' as expires_on,
       row_number() over (partition by act, payload ->> 'dua_no' order by nth desc) as from_last
from known
where kind in ('dua_signed', 'dua_ended');

-- G4, 401.709(b), 401.713(a): the operator's organisation has one in force; its last day counts.
create temp view g4 as
select act, 'G4' as rule, 'the operator has no data use agreement with CMS in force' as why
from judged
where not exists (
  select 1 from dua, temp.setting as setting
  where dua.act = judged.act and from_last = 1 and signed and dua.expires_on >= dua.act_day
    and lower(trim(dua.party)) = lower(trim(setting.operator))
);

-- 401.711(a)(3): each change of the plan for sharing with the public, as it was submitted last, unless given up since.
create temp view plan_change as
select act, nth, change_id, submitted_on
from (
  select act, nth, kind, payload ->> 'change_id' as change_id, payload ->> 'submitted_on' as submitted_on,
         payload ->> 'what' as what,
         row_number() over (partition by act, payload ->> 'change_id' order by nth desc) as from_last
  from known
  where kind in ('change_submitted', 'change_withdrawn')
)
where from_last = 1 and kind = 'change_submitted' and what = 'sharing_plan';

-- 401.711(b): what CMS did about it: the last decision, and whether it asked for 30 more days.
create temp view plan_change_state as
select plan_change.*,
       (select known.payload ->> 'decision' from known
        where known.act = plan_change.act and known.kind = 'cms_decision' and known.payload ->> 'about' = 'change'
          and coalesce(known.payload ->> 'change_id', plan_change.change_id) = plan_change.change_id
          and known.nth > plan_change.nth
        order by known.nth desc limit 1) as decision,
       exists (select 1 from known
        where known.act = plan_change.act and known.kind = 'cms_extension_requested'
          and known.payload ->> 'change_id' = plan_change.change_id and known.nth > plan_change.nth) as extended
from plan_change;

-- G6, 401.711(a), (b): a change waits until S + 31 even if approved earlier; it is deemed approved then, unless it was
-- denied or CMS asked for more time and did not approve it.
create temp view g6 as
select judged.act, 'G6' as rule, 'change ' || change_id || ' of the plan for sharing may not be used' as why
from judged
join plan_change_state as change on change.act = judged.act
where judged.kind = 'public_released'
  and (judged.day < date(change.submitted_on, '+31 days') or coalesce(decision, '') = 'denied'
    or (extended and decision is not 'approved'))
union all
-- G6, 401.707(c): the plan itself was approved.
select act, 'G6', 'no approved plan for sharing with the public'
from judged
where kind = 'public_released' and not exists (
  select 1 from known
  where known.act = judged.act and known.kind = 'plan_approved' and known.payload ->> 'approved_on' <= judged.day
);

------------------------------------------------------------------------------------------------------------------
-- The run: G5, G7, G8, G20
------------------------------------------------------------------------------------------------------------------

-- 401.715: approvals of a measure's version and level that no disapproval followed. A rehearsal's do not count.
create temp view measure_standing as
select approved.act, approved.measure, approved.route
from (
  select act, act_day, nth, payload ->> 'route' as route, payload ->> 'approved_on' as approved_on,
         (payload ->> 'measure_id') || '@' || (payload ->> 'version') || '@' || (payload ->> 'level') as measure
  from known
  where kind = 'measure_approved'
) as approved
where approved.approved_on <= approved.act_day and approved.route <> 'rehearsal'
  and not exists (
    select 1 from known as ended
    where ended.act = approved.act and ended.kind = 'measure_disapproved'
      and (ended.payload ->> 'measure_id') || '@' || (ended.payload ->> 'version') || '@' || (ended.payload ->> 'level')
        = approved.measure
      and (ended.nth > approved.nth or ended.day > approved.approved_on)
  );

-- G5, 401.715(a), (b): public only (716(a): analyses are in addition to measures). An alternative measure needs one of
-- the two routes of (b)(1).
create temp view g5 as
select judged.act, 'G5' as rule, measure || ' is not approved for this use' as why
from judged
join run_measure on run_measure.act = judged.act
where judged.kind = 'public_released' and not exists (
  select 1 from measure_standing as standing
  where standing.act = judged.act and standing.measure = run_measure.measure
    and (not run_measure.alternative or standing.route in ('stakeholder', 'rulemaking'))
)
union all
select act, 'G5', why from run_unknown where act in (select act from judged where kind = 'public_released');

-- 401.707(d): each source of claims as it was recorded last.
create temp view source as
select act, act_day, payload ->> 'source_id' as source_id, kind = 'source_registered' as registered,
       ';' || (payload ->> 'rights') || ';' as rights, payload ->> 'expires_on' as expires_on,
       row_number() over (partition by act, payload ->> 'source_id' order by nth desc) as from_last
from known
where kind in ('source_registered', 'source_ended');

-- G7, 401.703(h), 401.707(d): every source of the run may be used for this; the contract's last day counts.
create temp view g7 as
select judged.act, 'G7' as rule, 'no right `' || judged.use || '` in source ' || run_source.source_id as why
from judged
join run_source on run_source.act = judged.act
where not exists (
  select 1 from source
  where source.act = judged.act and source.source_id = run_source.source_id and from_last = 1 and registered
    and source.expires_on >= source.act_day and instr(source.rights, ';' || judged.use || ';') > 0
)
union all
select act, 'G7', why from run_unknown;

-- Whose claims the run stands on. Medicare Advantage is another payer's.
create temp view run_payers as
select judged.act,
       coalesce(max(run_source.payer_type = 'medicare'), 0) as medicare,
       coalesce(max(run_source.payer_type <> 'medicare'), 0) as other
from judged
left join run_source on run_source.act = judged.act
group by judged.act;

-- G8, 401.703(q), 401.716(a), 401.718(a): combined; data may also be Medicare's alone (at no cost: G19).
create temp view g8 as
select judged.act, 'G8' as rule, 'the run does not combine Medicare with another payer' as why
from judged
join run_payers on run_payers.act = judged.act
where not medicare or (not other and judged.kind <> 'data_disclosed');

-- G20: 401.707(e), 42 CFR Part 2, patient safety work product: such a source reaches nothing that leaves.
create temp view g20 as
select run_source.act, 'G20' as rule, 'source ' || source_id || ' is labelled ' || label.name as why
from run_source
join (select 'part2' as name union all select 'pswp' union all select 'cms_5pct') as label
  on instr(run_source.labels, '+' || label.name || '+') > 0
union all
select act, 'G20', why from run_unknown;

------------------------------------------------------------------------------------------------------------------
-- Review before publication: G10, G11, G24
------------------------------------------------------------------------------------------------------------------

-- 401.717(a): the last report put out to each provider in the cycle, with its hand-over (section 0.2: the clock starts
-- there) and whether it came back.
create temp view last_send as
select act, unit_id, run_id, sent_on, public_from,
       (select max(known.payload ->> 'handed_over_on') from known
        where known.act = send.act and known.kind = 'send_confirmed'
          and known.payload ->> 'sent' = send.event_id) as handed_over_on,
       exists (select 1 from known
        where known.act = send.act and known.kind = 'delivery_failed'
          and known.payload ->> 'sent' = send.event_id) as failed
from (
  select named.act, named.unit_id, known.event_id, known.payload ->> 'run_id' as run_id,
         known.payload ->> 'sent_on' as sent_on, known.payload ->> 'public_from' as public_from,
         row_number() over (partition by named.act, named.unit_id order by known.nth desc) as from_last
  from named
  join known on known.act = named.act and known.kind = 'report_sent'
    and known.payload ->> 'cycle' = named.cycle and known.payload ->> 'unit_id' = named.unit_id
) as send
where from_last = 1;

-- 401.717(d): the last letter that told a provider the public date and the status of its requests.
create temp view last_notice as
select act, unit_id, seq, public_on
from (
  select named.act, named.unit_id, known.seq, known.payload ->> 'public_on' as public_on,
         row_number() over (partition by named.act, named.unit_id order by known.nth desc) as from_last
  from named
  join known on known.act = named.act and known.kind = 'status_notice_sent'
    and known.payload ->> 'cycle' = named.cycle and known.payload ->> 'unit_id' = named.unit_id
)
where from_last = 1;

-- Section 0.4: whose figures of the cycle are issued again in another one; what was sent of them no longer counts.
create temp view issued_again as
select distinct named.act, named.unit_id
from named
join known on known.act = named.act and known.kind = 'cycle_reissued' and known.payload ->> 'cycle' = named.cycle
join json_each(known.payload, '$.units') as each on each.value = named.unit_id;

-- Section 0.4: whose old figures, which this cycle issues again, a release of the old cycle still shows.
create temp view still_old as
select distinct named.act, named.unit_id
from named
join known as again on again.act = named.act and again.kind = 'cycle_reissued'
  and again.payload ->> 'new_cycle' = named.cycle
  and named.unit_id in (select value from json_each(again.payload, '$.units'))
join known as old on old.act = named.act and old.kind = 'public_released'
  and old.payload ->> 'cycle' = again.payload ->> 'cycle'
  and named.unit_id in (select value from json_each(old.payload, '$.units'))
where not exists (
  select 1 from known as gone
  where gone.act = named.act and gone.kind = 'public_withdrawn'
    and gone.payload ->> 'release_id' = old.payload ->> 'release_id');

-- Section 0.6: the public date of the cycle as it was moved, never earlier, and when that was recorded last.
create temp view moved_date as
select judged.act, max(known.payload ->> 'public_on') as public_on, max(known.seq) as seq
from judged
join known on known.act = judged.act and known.kind = 'public_date_set' and known.payload ->> 'cycle' = judged.cycle
group by judged.act;

-- Section 0.13: what was withdrawn and not given back since for a reason that fits. No measures: all of them. What was wrong is
-- answered within its cycle, for another one has its own review; an order, rights that ended and a disclosed cell hold in every
-- cycle of the period.
create temp view withdrawn as
select judged.act, released.seq as released_seq, known.seq, released.payload ->> 'cycle' as cycle, each.value as unit_id,
       known.payload ->> 'reason' as reason, coalesce(known.payload ->> 'request_id', '') as request_id,
       case when coalesce(known.payload -> 'measures', '[]') <> '[]' then known.payload -> 'measures' end as measures
from judged
join known as released on released.act = judged.act and released.kind = 'public_released'
join known on known.act = judged.act and known.kind = 'public_withdrawn'
  and known.payload ->> 'release_id' = released.payload ->> 'release_id'
join json_each(case when coalesce(known.payload -> 'units', '[]') <> '[]' then known.payload -> 'units'
                    else released.payload -> 'units' end) as each
where known.payload ->> 'reason' not in ('never_public', 'superseded')
  and (released.payload ->> 'cycle' = judged.cycle
    or (known.payload ->> 'reason' not in ('error_found', 'request_upheld')
      and rtrim(released.payload ->> 'cycle', '0123456789') = rtrim(judged.cycle, '0123456789')))
  and not exists (
    select 1 from known as ended
    where ended.act = judged.act and ended.kind = 'withdrawal_ended' and ended.seq > known.seq
      and ended.payload ->> 'release_id' = released.payload ->> 'release_id'
      and (coalesce(ended.payload -> 'units', '[]') = '[]'
        or each.value in (select value from json_each(ended.payload, '$.units')))
      and known.payload ->> 'reason' in (
        select value from json_each(case ended.payload ->> 'reason'
          when 'figures_right' then '["error_found", "request_upheld"]'
          when 'cell_protected' then '["cell_disclosed"]'
          when 'order_lifted' then '["order"]'
          when 'rights_renewed' then '["rights_ended"]' end)));

-- Section 0.4: the corrections of a provider in a cycle, each with the number of the first page that shows it or a later one.
create temp view correction as
select applied.act, applied.payload ->> 'cycle' as cycle, applied.payload ->> 'unit_id' as unit_id,
       applied.payload ->> 'request_id' as request_id, applied.payload -> 'measures' as measures,
       applied.payload ->> 'before_sha256' <> applied.payload ->> 'after_sha256' as moved,
       (select min(page.seq) from known as page
        join known as its on its.act = page.act and its.kind = 'correction_applied'
          and its.payload ->> 'correction_id' = page.payload ->> 'correction_id' and its.seq >= applied.seq
        where page.act = applied.act and page.kind = 'report_sent'
          and page.payload ->> 'cycle' = applied.payload ->> 'cycle'
          and page.payload ->> 'unit_id' = applied.payload ->> 'unit_id') as shown_at
from known as applied
where applied.kind = 'correction_applied';

-- An error is cured by figures that moved, first shown after the withdrawal, of the measures named where some are; an upheld
-- request by its own correction, first shown after the release; nothing else is. Single measures may be left out.
create temp view still_withdrawn as
select distinct named.act, named.unit_id
from named
join judged on judged.act = named.act
join withdrawn on withdrawn.act = named.act and withdrawn.unit_id = named.unit_id
where not exists (
    select 1 from correction
    where correction.act = named.act and correction.cycle = withdrawn.cycle and correction.unit_id = named.unit_id
      and ((withdrawn.reason = 'request_upheld' and correction.shown_at > withdrawn.released_seq
          and withdrawn.request_id in ('', correction.request_id))
        or (withdrawn.reason = 'error_found' and withdrawn.measures is null and correction.moved
          and correction.shown_at > withdrawn.seq)))
  and (withdrawn.measures is null or exists (
    select 1 from json_each(withdrawn.measures) as measure
    where withdrawn.unit_id || ':' || measure.value not in (select value from json_each(judged.withheld))
      and not exists (
        select 1 from correction
        where correction.act = named.act and correction.cycle = withdrawn.cycle and correction.unit_id = named.unit_id
          and withdrawn.reason = 'error_found' and correction.moved and correction.shown_at > withdrawn.seq
          and measure.value in (select value from json_each(correction.measures)))));

-- G10, 401.717(a), (b), 1G: the 60 days after the hand-over are over, and the dates told have come.
create temp view g10 as
select named.act, 'G10' as rule,
       case
         when send.act is null then 'no report was sent to ' || named.unit_id
         when back.act is not null then 'results of ' || named.unit_id || ' were withdrawn, and return as they were'
         when old.act is not null then 'old figures of ' || named.unit_id || ' are still public'
         when again.act is not null then 'the figures of ' || named.unit_id || ' are issued again in another cycle'
         when send.run_id is not named.run_id then 'the last report sent to ' || named.unit_id || ' shows another run'
         when send.handed_over_on is null then 'the last report to ' || named.unit_id || ' was not confirmed'
         when send.failed then 'the last report to ' || named.unit_id || ' came back'
         else 'too early for ' || named.unit_id
       end as why
from named
left join last_send as send on send.act = named.act and send.unit_id = named.unit_id
left join last_notice as notice on notice.act = named.act and notice.unit_id = named.unit_id
left join issued_again as again on again.act = named.act and again.unit_id = named.unit_id
left join still_withdrawn as back on back.act = named.act and back.unit_id = named.unit_id
left join still_old as old on old.act = named.act and old.unit_id = named.unit_id
where named.act in (select act from judged where kind = 'public_released')
  and (send.act is null or again.act is not null or back.act is not null or old.act is not null or send.run_id is not named.run_id or send.handed_over_on is null or send.failed
    or named.day < max(date(send.sent_on, '+61 days'), date(send.handed_over_on, '+61 days'), send.public_from,
                       coalesce(notice.public_on, '')));

-- 401.717(e): requests of the cycle that are not closed.
create temp view open_request as
select act, cycle, unit_id, category, request_id
from (
  select act, kind, payload ->> 'cycle' as cycle, payload ->> 'unit_id' as unit_id, payload ->> 'category' as category,
         payload ->> 'request_id' as request_id,
         row_number() over (partition by act, payload ->> 'request_id' order by nth desc) as from_last
  from known
  where kind in ('request_received', 'request_resolved')
)
where from_last = 1 and kind = 'request_received';

-- G11, 401.717(e): as many pairs of name and category were posted as were open, those left out whose posting was recorded as
-- not feasible.
create temp view g11 as
select act, 'G11' as rule, open_requests || ' posted as open, not ' || due as why
from (
  select judged.act, judged.open_requests,
         (select count(*) from (
            select distinct unit_id, category from open_request
            where open_request.act = judged.act and open_request.cycle = judged.cycle
              and not exists (
                select 1 from known
                where known.act = open_request.act and known.kind = 'posting_infeasible'
                  and known.payload ->> 'request_id' = open_request.request_id))) as due
  from judged
  where judged.kind = 'public_released'
)
where open_requests <> due;

-- G24, 401.717(a), (d), section 0.8: each named provider was told a public date at least 60 days ahead, that day has
-- come, and the letter with the status of its requests went out after the last of them.
create temp view g24 as
select named.act, 'G24' as rule, named.unit_id || ' was not told the date in time, or not the status' as why
from named
left join last_send as send on send.act = named.act and send.unit_id = named.unit_id
left join last_notice as notice on notice.act = named.act and notice.unit_id = named.unit_id
left join moved_date as moved on moved.act = named.act
where named.act in (select act from judged where kind = 'public_released')
  and (moved.public_on > named.day or notice.seq < moved.seq or send.handed_over_on is null or send.failed or date(send.handed_over_on, '+60 days') > named.day
    or send.public_from > named.day or notice.seq is null
    or notice.seq < ( -- 0.2: a letter before the first page with these dates that did not come back told of others
      select min(known.seq) from known
      where known.act = named.act and known.kind = 'report_sent' and known.payload ->> 'sent_on' = send.sent_on
        and known.payload ->> 'cycle' = named.cycle and known.payload ->> 'unit_id' = named.unit_id
        and not exists (
          select 1 from known as back
          where back.act = named.act and back.kind = 'delivery_failed'
            and back.payload ->> 'sent' = known.event_id))
    or notice.seq < (
      select max(known.seq) from known
      where known.act = named.act and known.kind = 'request_received'
        and known.payload ->> 'cycle' = named.cycle and known.payload ->> 'unit_id' = named.unit_id));

------------------------------------------------------------------------------------------------------------------
-- The recipient: G9, G13, G14, G15, G21
------------------------------------------------------------------------------------------------------------------

-- 401.703(j), (m) to (p): the recipient is of the kind it was documented as.
create temp view user_fits as
select act from judged
where user_kind in ('provider', 'supplier', 'employer', 'issuer', 'federal_agency')
  or (user_kind in ('medical_society', 'provider_association') and nonprofit and majority
      and scope in ('national', 'state'))
  or (user_kind = 'hospital_association' and nonprofit and majority and scope in ('national', 'state', 'local'))
  or (user_kind = 'state_entity' and executive);

-- G9, 401.703(j), 401.716(b)(2), 401.718(a), (b)(2): nine kinds for analyses, four for data, two where a person is
-- identified; and it is the user that the analysis was defined for, as what it was defined.
create temp view g9 as
select act, 'G9' as rule, 'the recipient is not an authorized user of a kind that may have this' as why
from judged
where kind <> 'public_released'
  and (act not in (select act from user_fits)
    or (kind = 'data_disclosed'
        and user_kind not in ('provider', 'supplier', 'medical_society', 'hospital_association'))
    or (identifiable and user_kind not in ('provider', 'supplier')))
union all
select act, 'G9', 'it was defined for another user'
from judged
where kind <> 'public_released' and defined_party <> party_id
union all
select act, 'G9', 'it was not defined as what was disclosed'
from judged
where kind <> 'public_released'
  and coalesce(defined_kind, '') not in (
    case kind when 'npa_disclosed' then 'npa_deid' else 'data_deid' end,
    case kind when 'npa_disclosed' then 'npa_patient_identifiable' else 'data_patient_identifiable' end);

-- Agreements with the recipient that are signed, not ended since and in force on the day; the last day counts.
create temp view agreement as
select judged.act, state.agreement_id, state.agreement_kind, state.terms, state.redisclosure
from judged
join (
  select act, kind, payload ->> 'agreement_id' as agreement_id, payload ->> 'kind' as agreement_kind,
         payload ->> 'party_id' as party_id, ';' || (payload ->> 'terms') || ';' as terms,
         coalesce(payload ->> 'redisclosure', '') as redisclosure,
         payload ->> 'signed_on' as signed_on, payload ->> 'expires_on' as expires_on,
         row_number() over (partition by act, payload ->> 'agreement_id' order by nth desc) as from_last
  from known
  where kind in ('agreement_signed', 'agreement_ended')
) as state on state.act = judged.act and state.party_id = judged.party_id
where state.from_last = 1 and state.kind = 'agreement_signed'
  and judged.day between state.signed_on and state.expires_on;

-- 401.713(d) and 401.716(c): the terms each kind of agreement must contain, always or in one case.
create temp view needed_term (agreement_kind, term, only_if) as
values ('qe_dua', 'permitted_uses', ''), -- 713(d)(1)(i)
       ('qe_dua', 'no_other_use', ''), -- (1)(ii)
       ('qe_dua', 'no_marketing', ''), -- (2)
       ('qe_dua', 'safeguards', ''), -- (3)
       ('qe_dua', 'survival', ''), -- (3)
       ('qe_dua', 'no_redisclosure', ''), -- (4)
       ('qe_dua', 'no_linking', 'data_deid'), -- (6): who receives de-identified data under 718
       ('qe_dua', 'notify', ''), -- (7)
       ('qe_dua', 'cooperate', ''), -- (7)
       ('qe_dua', 'binds_contractors', ''), -- (d)
       ('analyses', 'no_marketing', ''), -- 716(c)(1)(i)
       ('analyses', 'no_harm', ''), -- (1)(ii)
       ('analyses', 'no_fraud', ''), -- (1)(iii)
       ('analyses', 'employer_use', 'employer'), -- (2)
       ('analyses', 'no_redisclosure', ''), -- (3)(ii), (4)
       ('analyses', 'no_linking', ''), -- (5)
       ('analyses', 'notify', ''), -- (6)
       ('analyses', 'cooperate', ''), -- (6)
       ('analyses', 'binds_contractors', ''); -- (c)

-- The agreements that contain all of them, and permit redisclosure to a provider or supplier only; one on analyses
-- never by 164.506(c)(2) (section 0.10).
create temp view sound_agreement as
select agreement.act, agreement.agreement_kind
from agreement
join judged on judged.act = agreement.act
where not exists (
  select 1 from needed_term as needed
  where needed.agreement_kind = agreement.agreement_kind
    and needed.only_if in ('', coalesce(judged.defined_kind, ''), coalesce(judged.user_kind, ''))
    and instr(agreement.terms, ';' || needed.term || ';') = 0)
  and (agreement.redisclosure = '' or coalesce(judged.user_kind, '') in ('provider', 'supplier'))
  and not (agreement.agreement_kind = 'analyses' and instr(agreement.redisclosure, '164.506(c)(2)') > 0);

-- G13, 401.713(d), 401.716(b)(2)(ii), 401.718(c): a QE DUA before any data and before any identified person.
create temp view g13 as
select act, 'G13' as rule, 'no QE DUA with all its terms in force' as why
from judged
where (kind = 'data_disclosed' or (kind = 'npa_disclosed' and identifiable))
  and act not in (select act from sound_agreement where agreement_kind = 'qe_dua');

-- G14, 401.716(c): a non-public analyses agreement before any de-identified analysis; one with patients goes by the QE DUA.
create temp view g14 as
select act, 'G14' as rule, 'no non-public analyses agreement with all its terms in force' as why
from judged
where kind = 'npa_disclosed' and not identifiable
  and act not in (select act from sound_agreement where agreement_kind = 'analyses');

-- The areas of an analysis for an issuer, with the newest count of its lives there that covers the whole period.
create temp view issuer_area as
select judged.act, area.value as area, known.payload as count,
       row_number() over (partition by judged.act, area.value order by known.nth desc) as from_last
from judged
join json_each(judged.areas) as area
left join known on known.act = judged.act and known.kind = 'issuer_coverage'
  and known.payload ->> 'party_id' = judged.party_id and known.payload ->> 'area' = area.value
  and known.payload ->> 'period_start' <= judged.period_start and known.payload ->> 'period_end' >= judged.period_end
where judged.kind = 'npa_disclosed' and judged.user_kind = 'issuer';

-- G15, 401.716(b)(1), section 0.11: it supplied more than half of its lives in each area; half is no majority, no lives
-- are none, and what a state database holds counts only if it was submitted on the issuer's behalf.
create temp view g15 as
select act, 'G15' as rule, 'the issuer did not supply a majority of its lives in ' || area as why
from issuer_area
where from_last = 1 and (
  count is null
  or 2 * (count ->> 'supplied_lives') <= (count ->> 'total_lives')
  or count ->> 'supplied_by' not in ('issuer', 'business_associate', 'state_database_on_behalf'))
union all
select act, 'G15', 'the areas of the analysis are not on record'
from judged
where kind = 'npa_disclosed' and user_kind = 'issuer' and act not in (select act from issuer_area);

-- G21, 401.713(d)(1), (2), 401.716(c)(1), (2): never marketing, harm or fraud; an employer's health insurance only; and
-- under a QE DUA the four activities alone.
create temp view g21 as
select act, 'G21' as rule, 'purpose ' || coalesce(purpose, 'unknown') || ' is not allowed' as why
from judged
where kind <> 'public_released'
  and (purpose is null or purpose in ('marketing', 'harm', 'fraud')
    or (kind = 'npa_disclosed' and user_kind = 'employer' and purpose <> 'health_insurance')
    or ((kind = 'data_disclosed' or identifiable)
        and purpose not in ('quality_improvement', 'provider_performance', 'fraud_and_abuse_detection', 'treatment')));

------------------------------------------------------------------------------------------------------------------
-- Who is named in an analysis: G12
------------------------------------------------------------------------------------------------------------------

-- Whatever was handed over and did not come back: the hand-over of each notice and extract.
create temp view handed as
select sent.act, sent.event_id, sent.kind, sent.nth, sent.payload, sent.payload ->> 'analysis_id' as analysis_id,
       sent.payload ->> 'unit_id' as unit_id, max(confirmed.payload ->> 'handed_over_on') as handed_over_on
from known as sent
join known as confirmed on confirmed.act = sent.act and confirmed.kind = 'npa_confirmed'
  and confirmed.payload ->> 'sent' = sent.event_id
where sent.kind in ('npa_notice_sent', 'npa_extract_sent')
  and not exists (
    select 1 from known as failed
    where failed.act = sent.act and failed.kind = 'npa_delivery_failed' and failed.payload ->> 'sent' = sent.event_id)
group by sent.act, sent.event_id, sent.kind, sent.nth, sent.payload;

-- 401.717(f)(1): the notices of this analysis for this user that a named provider has, whether each tells every measure
-- of the run, and whether it tells an earlier release date than the one before.
create temp view notice as
select named.act, named.unit_id, handed.nth, handed.handed_over_on,
       handed.payload ->> 'release_on' as release_on,
       named.act in (select act from run) and not exists (
         select 1 from run_measure
         where run_measure.act = named.act and not exists (
           select 1 from json_each(handed.payload, '$.measures') as told
           where told.value = run_measure.measure
             or substr(run_measure.measure, 1, length(told.value) + 1) = told.value || '@')) as complete,
       handed.payload ->> 'release_on' < lag(handed.payload ->> 'release_on')
         over (partition by named.act, named.unit_id order by handed.nth) as moved_earlier
from named
join judged on judged.act = named.act
join handed on handed.act = named.act and handed.kind = 'npa_notice_sent' and handed.unit_id = named.unit_id
  and handed.analysis_id = judged.analysis_id and handed.payload ->> 'party_id' = judged.party_id;

-- N8: the notice that moved the release earlier starts the 65 days anew.
create temp view restart as
select act, unit_id, max(case when moved_earlier then nth else 0 end) as nth
from notice
group by act, unit_id;

-- 1G: day 0 of each provider's 65 days, and the release date it was told last.
create temp view notice_clock as
select named.act, named.unit_id,
       (select min(notice.handed_over_on) from notice
        where notice.act = named.act and notice.unit_id = named.unit_id and complete
          and notice.nth >= restart.nth) as noticed_on,
       (select notice.release_on from notice
        where notice.act = named.act and notice.unit_id = named.unit_id
        order by notice.nth desc limit 1) as release_on
from named
join restart on restart.act = named.act and restart.unit_id = named.unit_id;

-- 401.717(f)(2), section 0.1: the provider's own extract. Its days begin with the first hand-over of what it was shown last: the
-- same results sent once more begin nothing anew, other results do (R3).
create temp view extract as
with shown as (
  select judged.act, handed.unit_id, handed.handed_over_on, handed.nth, handed.payload ->> 'result_sha256' as results,
         first_value(handed.payload ->> 'result_sha256') over (
           partition by judged.act, handed.unit_id order by handed.nth desc) as last_results
  from judged
  join handed on handed.act = judged.act and handed.kind = 'npa_extract_sent' and handed.analysis_id = judged.analysis_id
)
select act, unit_id, min(handed_over_on) as first_on, min(handed_over_on) as last_on
from shown
where results is last_results
group by act, unit_id;

-- 401.717(f)(2), 1G: opt-ins, with the day of the 65 on which each fell.
create temp view optin as
select clock.act, clock.unit_id,
       julianday(known.payload ->> 'opted_in_on') - julianday(clock.noticed_on) as on_day
from notice_clock as clock
join judged on judged.act = clock.act
join known on known.act = clock.act and known.kind = 'optin_received'
  and known.payload ->> 'analysis_id' = judged.analysis_id and known.payload ->> 'unit_id' = clock.unit_id;

-- Opt-ins whose review the release would cut off: by day 5, 60 days from the extract; by day 65, the extract on a day
-- before the release; later ones carry no right.
create temp view optin_unmet as
select optin.act, optin.unit_id
from optin
join judged on judged.act = optin.act
left join extract on extract.act = optin.act and extract.unit_id = optin.unit_id
where (optin.on_day <= 5 and (extract.last_on is null or judged.day < date(extract.last_on, '+61 days')))
  or (optin.on_day between 6 and 65 and (extract.first_on is null or extract.first_on >= judged.day));

-- 401.716(b)(4)(ii): providers that had their chance by 401.717(f).
create temp view noticed as
select clock.act, clock.unit_id
from notice_clock as clock
join judged on judged.act = clock.act
where judged.day >= date(clock.noticed_on, '+66 days') and judged.day >= clock.release_on
  and not exists (
    select 1 from optin_unmet where optin_unmet.act = clock.act and optin_unmet.unit_id = clock.unit_id);

-- 401.716(b)(4)(iii): providers that wrote before the day of release that this user may have it, and did not
-- take it back.
create temp view waived as
select distinct named.act, named.unit_id
from named
join judged on judged.act = named.act
join known as waiver on waiver.act = named.act and waiver.kind = 'waiver_received'
  and waiver.payload ->> 'analysis_id' = judged.analysis_id and waiver.payload ->> 'unit_id' = named.unit_id
  and waiver.payload ->> 'party_id' = judged.party_id and waiver.payload ->> 'waived_on' < judged.day
where not exists (
  select 1 from known as revoked
  where revoked.act = named.act and revoked.kind = 'waiver_revoked' and revoked.seq > waiver.seq
    and revoked.payload ->> 'analysis_id' = judged.analysis_id
    and revoked.payload ->> 'unit_id' = named.unit_id);

-- G12, 401.716(b)(4): nobody is named, or the recipient alone, or each had the notice, or each waived; not mixed.
create temp view g12 as
select act, 'G12' as rule, 'none of the three conditions holds for everybody named' as why
from judged
where kind = 'npa_disclosed'
  and exists (select 1 from named where named.act = judged.act and named.unit_id is not judged.user_unit)
  and exists (
    select 1 from named
    where named.act = judged.act and not exists (
      select 1 from noticed where noticed.act = named.act and noticed.unit_id = named.unit_id))
  and exists (
    select 1 from named
    where named.act = judged.act and not exists (
      select 1 from waived where waived.act = named.act and waived.unit_id = named.unit_id));

------------------------------------------------------------------------------------------------------------------
-- The bytes and the price: G17, G18, G19
------------------------------------------------------------------------------------------------------------------

-- G17, 401.716(b)(3), 401.718(b)(1), 45 CFR 164.514(b): exactly these bytes were determined to be de-identified.
create temp view g17 as
select act, 'G17' as rule, 'no valid determination that these bytes are de-identified' as why
from judged
where defined_kind in ('npa_deid', 'data_deid') and not exists (
  select 1 from known
  where known.act = judged.act and known.kind = 'deid_recorded'
    and known.payload ->> 'artefact_sha256' = judged.bytes
    and judged.day between known.payload ->> 'determined_on' and known.payload ->> 'valid_until'
    and (known.payload ->> 'method' = 'expert' or coalesce(known.payload ->> 'no_actual_knowledge', 0) in (1, 'true'))
);

-- The checks for small cells and the approvals of exactly the bytes released, the last first.
create temp view signature as
select judged.act, known.kind, known.actor, known.payload ->> 'findings' as findings,
       row_number() over (partition by judged.act, known.kind order by known.nth desc) as from_last
from judged
join known on known.act = judged.act and known.kind in ('sdc_checked', 'release_approved')
  and known.payload ->> 'bundle_sha256' = judged.bytes;

-- G18, section 0.13: checked without findings and approved, both by another than who made the run. Data that identify
-- persons to their own provider are not checked for small cells.
create temp view g18 as
select act, 'G18' as rule, 'these bytes were not checked and approved by another than who made the run' as why
from judged
where (kind <> 'data_disclosed' or coalesce(defined_kind, '') <> 'data_patient_identifiable')
  and (act not in (select act from signature where kind = 'sdc_checked' and from_last = 1 and findings = 0)
    or act not in (select act from signature where kind = 'release_approved' and from_last = 1)
    or act not in (select act from run_maker)
    or exists (
      select 1 from signature
      join run_maker on run_maker.act = signature.act and run_maker.actor is signature.actor
      where signature.act = judged.act and signature.from_last = 1));

-- G19, 401.718(a), 401.719(b)(3), (4): a price is on record; Medicare data alone cost nothing and nothing was paid.
create temp view g19 as
select judged.act, 'G19' as rule, 'the price is not on record, or Medicare data were not free' as why
from judged
join run_payers on run_payers.act = judged.act
where judged.kind <> 'public_released'
  and (fee_dollars is null
    or (judged.kind = 'data_disclosed' and medicare and not other and (
      fee_dollars > 0 or exists (
        select 1 from known
        where known.act = judged.act and known.kind = 'fee_received'
          and known.payload ->> 'about' = judged.analysis_id and known.payload ->> 'dollars' > 0))));

------------------------------------------------------------------------------------------------------------------
-- The verdict
------------------------------------------------------------------------------------------------------------------

create temp view broken as
select * from g1 union all select * from g2 union all select * from g3 union all select * from g4
union all select * from g5 union all select * from g6 union all select * from g7 union all select * from g8
union all select * from g9 union all select * from g10 union all select * from g11 union all select * from g12
union all select * from g13 union all select * from g14 union all select * from g15 union all select * from g17
union all select * from g18 union all select * from g19 union all select * from g20 union all select * from g21
union all select * from g24;

create temp view violation as
select judged.act as seq, judged.kind, broken.rule, group_concat(broken.why, '; ') as why
from judged
join broken on broken.act = judged.act
group by judged.act, judged.kind, broken.rule
order by judged.act, cast(substr(broken.rule, 2) as integer);
