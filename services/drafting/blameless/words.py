"""The words that the rules know: who is a person, what is done by people only, what judges.

Nothing here is a phrase; phrases are made by the grammar.
"""

from services.drafting.blameless.verbs import forms, pasts
from services.drafting.blameless.word_sets import word_set

PERSON_NOUNS = word_set("""
    captain captains planner planners accountant clerk clerks mechanic installer integrator integrators trainer mate
    master-of-ceremonies stakeholder stakeholders watchkeeper dispatcher guard
    engineer engineers developer developers dev devs programmer programmers administrator administrators admin
    admins sysadmin sysadmins dba dbas sre sres technician technicians contractor contractors consultant consultants
    intern interns employee employees staff staffer staffers person people persons individual individuals somebody
    someone anyone anybody everyone everybody nobody responder responders commander on-call oncall on-caller
    oncaller reviewer reviewers approver approvers author authors committer committers maintainer maintainers
    deployer colleague colleagues coworker coworkers co-worker co-workers teammate teammates member members trainee
    trainees newcomer newcomers guy guys folks human humans supervisor supervisors boss director manager managers
    management leadership lead leads architect architects analyst analysts tester testers specialist specialists
    expert experts owner owners operator operators handler officer officers coordinator apprentice junior juniors
    senior seniors freelancer colleague cto ceo vp graduate hire assistant worker-on-shift electrician plumber
    cleaner designer designers scientist scientists teacher student-admin volunteer volunteers agent agents
""")


TEAM_NOUNS = word_set("""
    helpdesk workforce committee
    team teams squad squads crew crews department departments shift tribe vendor vendors supplier suppliers
    contractor-team organisation organization
""")


# Read as a team only where they stand alone: «Operations missed the alert».
TEAM_NAMES = word_set("""
    marketing finance sales legal procurement platform compliance
    ops operations devops engineering support qa security networking it infra sre noc management netops dbas
    helpdesk sysops
""")


# They suffer an outage; what they fail at is its impact.
USER_NOUNS = word_set("""
    user users customer customers client clients student students visitor visitors subscriber subscribers shopper
    shoppers merchant merchants buyer buyers player players patient patients reader readers guest guests caller
    callers tenant tenants attendee attendees partner partners consumer consumers
""")


FIRST_PERSON = frozenset({"i", "we"})


THIRD_PERSON = frozenset({"he", "she", "you", "who"})


NOBODY = frozenset({"nobody", "no-one", "none", "neither"})


# A noun of two lives is a system when one of these stands before it.
SYSTEM_MODIFIERS = word_set("""
    kubernetes k8s prometheus cert-manager postgres postgresql mysql kafka elasticsearch redis etcd rabbitmq strimzi
    vault mongodb cassandra spark flink argo istio ingress cluster database db backup restore storage node package
    resource secret secrets session config configuration state queue memory cert certificate window lock transaction
    connection volume device task job process thread file alert license dependency boot service lifecycle message
    event error exception request signal interrupt load release-please api http webhook query callback monitoring
    datadog newrelic telemetry logging log ci build deploy deployment metrics otel collector ssh user password key
    cache content desired rollout autoscaling scaling network traffic raft replica leader shard logical comparison
    ternary boolean sql arithmetic bitwise helm olm gitops controller custom
""")


TWO_LIVES = word_set("""
    planner planners dispatcher guard trainer installer
    operator operators manager managers agent agents handler coordinator lead leads owner owners member members
    author director officer senior junior client clients consumer consumers reviewer shift it security operations
    support worker expert supervisor architect commander
""")


# What only a controller does.
CONTROLLER_WORDS = word_set("""
    reconcile reconciles reconciled reconciling reconciliation crd crds pod pods controller finalizer finalizers
    namespace webhook statefulset statefulsets daemonset replicaset replicas crashloop crashlooping crashloopbackoff
    oomkilled helm customresource manifest manifests kubernetes secondary-replica leader-election resource resources
    cr crs rejoin quorum raft
""")


# Verbs of which only people are the subject, and which say a failure by themselves.
HUMAN_FAILURES = forms("""
    forget neglect botch bungle fumble blunder goof misjudge misremember slack flub muff procrastinate panic dither
    mishandle miscommunicate overlook mismanage misunderstand misread misinterpret mistake mistype misclick mis-click
    mislabel misreport shirk dawdle stonewall meddle flout disobey squander
""") | {"fat-fingered", "fatfingered", "fat-finger", "slipped-up"}


# Verbs that are a failure when a person is their subject.
FAILURES = pasts("""
    miss ignore dismiss disregard skip bypass break misconfigure misapply misuse misdiagnose violate circumvent rush
    gamble misplace misdirect corrupt miscalculate misspell omit confuse conflate abuse override overrule breach
    mangle wreck ruin jeopardise jeopardize endanger evade underestimate hesitate mistreat
""") | {
    "misses", "ignores", "skips", "breaks", "misconfigures", "misspelt", "mis-typed", "mis-configured", "confuses",
    "dismisses", "bypasses", "blew",
}


# Of these what «we» say of ourselves: a plan that did not hold, not blame.
FAILURES_OF_OTHERS = pasts("underestimate hesitate override overrule confuse")


# A failure of people even where nobody is named: «the migration was botched».
PASSIVE_FAILURES = pasts("botch bungle fumble mishandle mismanage neglect misjudge")


# Particle verbs: «messed up».
PARTICLE_FAILURES = frozenset(
    {"messed", "screwed", "fucked", "slipped", "cocked", "stuffed", "tripped", "mucked", "goofed"}
)


# Verbs that are a failure with an outage as their object.
CAUSES = word_set("""
    caused causes crashed killed wiped triggered introduced created destroyed nuked took brought knocked broke
    produced started
""")


HARM = word_set("""
    outage outages incident incidents downtime failure failures breakage disruption disruptions bug bugs regression
    regressions defect error errors mistake mistakes problem problems mess crash data-loss loss leak production prod
    corruption degradation vulnerability typo misconfiguration interruption
""")


# Adjectives and adverbs that make a plain action a failure: «ran it against the wrong cluster».
WRONG = word_set("""
    wrong incorrect bad broken faulty buggy untested unreviewed unapproved unverified misconfigured erroneous
    half-finished half-baked half-tested unfinished invalid unvetted unauthorised unauthorized
""")


MISTAKENLY = word_set("""
    accidentally mistakenly inadvertently erroneously wrongly unintentionally unwittingly incorrectly improperly
    hastily prematurely blindly wrongfully unthinkingly unknowingly needlessly
""")


# Care that people take; its absence is written about as theirs.
DILIGENCE = word_set("""
    check checked checking test tested testing verify verified verifying review reviewed reviewing validate
    validated validating follow followed following notice noticed noticing ask asked asking talk talked speak spoke
    tell told telling inform informed informing notify notified notifying communicate communicated communicating
    escalate escalated escalating document documented documenting confirm confirmed confirming consult consulted
    consulting consider considered considering think thought thinking pay paid paying coordinate coordinated
    coordinating announce announced announcing read reading bother bothered bothering double-check double-checked
    double-checking look looked looking question questioned questioning investigate investigated investigating heed
    heeded heeding remember remembered remembering mention mentioned mentioning raise raised raising flag flagged
    flagging spot spotted spotting catch caught catching prepare prepared preparing plan planned planning inspect
    inspected inspecting care cared caring warn warned warning respond responded responding acknowledge acknowledged
    acknowledging hand handed handing seek sought seeking obtain obtained take taken taking rehearse rehearsed
    monitor monitored monitoring watch watched watching realise realised realize realized recognise recognised
    recognize recognized understand understood learn learned anticipate anticipated foresee foreseen pick picked
    involve involved supervise supervised train trained
""")


# Of these, what «we» did or did not see at the time: knowledge, not blame.
KNOWING = word_set("""
    notice noticed noticing realise realised realize realized recognise recognised recognize recognized understand
    understood anticipate anticipated foresee foreseen consider considered think thought thinking see seen know
    known look looked spot spotted catch caught learn learned take taken taking obtain obtained respond responded
    plan planned raise raised involve involved monitor monitored watch watched read
""")


# What is checked in hindsight though nobody is named: «should have been caught in review».
HINDSIGHT_PASSIVES = word_set("""
    caught noticed tested reviewed checked verified spotted escalated communicated documented questioned asked
    double-checked validated considered foreseen anticipated informed announced told mentioned planned avoided
    prevented read raised flagged recognised recognized realised realized coordinated consulted thought handled done
    known investigated fixed addressed rushed
""")


PREVENTIONS = word_set("""
    prevented avoided caught noticed detected spotted known reacted responded acted communicated escalated checked
    tested verified reviewed done handled foreseen anticipated rolled asked told stopped averted fixed identified
    found realised realized recognised recognized planned mitigated
""")


# Human-only verbs after «failed to», which tell a person's name from a product's.
HUMAN_ACTS = word_set("""
    notice realise realize communicate escalate double-check ask tell inform mention consider remember consult
    follow understand recognise recognize think anticipate foresee heed coordinate document pay take appreciate
    question hand
""")


JUDGEMENTS = word_set("""
    careless carelessly carelessness negligent negligently negligence sloppy sloppily sloppiness stupid stupidly
    stupidity incompetent incompetence reckless recklessly recklessness foolish foolishly irresponsible
    irresponsibly inattentive inattentively inattentiveness inattention inexcusable inexcusably unprofessional
    unprofessionally amateurish laziness lazily ignorance complacent complacency clueless idiot idiots idiotic moron
    dumb thoughtless thoughtlessly thoughtlessness ill-considered haphazard haphazardly lackadaisical heedless
    heedlessly unforgivable gross-negligence dereliction shoddy slapdash embarrassing embarrassingly egregious
    ineptitude inept cavalier lazy clumsy clumsily clumsiness hasty foolhardy carefree indefensible shameful
    blundering
""")


# «lazy loading» and its like are no judgement.
TECHNICAL_AFTER = word_set("""
    loading load loaded loader evaluation initialisation initialization init initialised initialized import imports
    deletion umount unmount mode propagation fetch fetching connection connections consumers consumer expiry
    expiration binding creation allocation rebalancing terminal terminals pipe pipes client clients proxy switch hub
    replication vacuum migration singleton writes reads eviction shard update updates loads loop
""")


FAULT_NOUNS = word_set("""
    insistence eagerness lack lateness
    refusal reluctance unwillingness stubbornness indecision haste impatience arrogance laziness neglect mismanagement
    mistake mistakes negligence oversight oversights carelessness blunder blunders inattention fault lapse lapses
    slip incompetence misjudgement misjudgment forgetfulness failure error errors misunderstanding inaction
    ignorance recklessness complacency inexperience omission typo typos misconfiguration
""")


# Participles that end in no -ed.
PARTICIPLES = word_set("""
    been done known caught seen taken gone made run set put read told thought found kept had given written chosen
    begun left sent built brought held paid met led understood spoken broken come let cut shut hit spent stood
    taught shown drawn grown thrown woken forgotten hidden frozen driven rebuilt rewritten reset overseen foreseen
    sought split bound
""")
