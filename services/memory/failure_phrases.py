"""How operators commonly name a failure, or the part of a system that fails. General usage, no product's own words.

A name that people understand, to phrases that say it. Endings do not matter, nor small words between (`disk is full`).
"""

PHRASES = {
    "out of memory":
        "oom; oomkilled; out of memory; memory leak; memory exhausted; memory exhaustion; memory pressure; "
        "memory limit; memory overload; memory usage; memory consumption; heap space; heap exhaustion; swapping",
    "full disk":
        "enospc; no space; space left; out of space; out of disk; out of storage; disk full; disk space; "
        "disk usage; disk pressure; disk filling; full disk; filesystem full; volume full; full volume; "
        "storage full; inode",
    "busy CPU":
        "high cpu; cpu usage; cpu saturation; cpu saturated; cpu throttling; cpu throttled; cpu exhaustion; "
        "cpu spike; cpu load; cpu starvation; cpu time; cpu bound; load average",
    "certificate": "certificate; cert; x509; tls; ssl; acme; handshake; lets encrypt",
    "expiry":
        "expired; expiry; expiration; expiring; expire; renewal; renew; rotation; rotate; out of date; validity",
    "name resolution":
        "dns; nameserver; name server; nxdomain; name resolution; coredns; resolver; hostname; domain name; "
        "domain record",
    "network":
        "network; networking; packet loss; partition; partitioned; connectivity; bgp; route; router; routing; "
        "firewall; vpc; cni; nat gateway; fiber cut; fibre cut; link down; link flapping; switch failure",
    "used up addresses":
        "ip address; ip exhaustion; ip starvation; ip allocation; out of ip; available ip; free ip; subnet; "
        "ephemeral port; port exhaustion; available port",
    "slowness":
        "latency; slow; slowness; slowdown; slower; slowly; sluggish; response time; degraded performance; "
        "performance degradation; performance issue; performance problem; delay; taking long; taking too long",
    "timeouts":
        "timeout; time out; timed out; timing out; deadline exceeded; hang; hanging; hung; stuck; unresponsive; "
        "not responding; not respond",
    "crash":
        "crash; panic; segfault; segmentation fault; core dump; fatal; killed; died; dying; aborted; "
        "unhandled exception; null pointer; restart loop; restarting",
    "restart loop":
        "crashloop; crash loop; crash looping; crashlooping; backoff; back off; restart loop; flapping; "
        "restart repeatedly; restarting continuously; repeatedly restart; repeatedly crash; keep restarting; "
        "keep crashing",
    "outage":
        "outage; downtime; down time; unavailable; unavailability; unreachable; offline; inaccessible; was down; "
        "went down; is down; were down; are down; go down; going down; not accessible; not reachable; "
        "not available; interruption; disruption",
    "server errors":
        "5xx; 500; 502; 503; 504; bad gateway; internal server error; service unavailable; gateway timeout; "
        "error rate; elevated error; http error; api error",
    "missing route": "404; not found; missing route; no route",
    "denied access":
        "401; 403; unauthorized; unauthorised; forbidden; access denied; permission; rbac; iam; credential; "
        "authenticate; authentication; authorize; authorization; authorisation; login; log in; sign in; session; "
        "oauth; sso; saml; password",
    "security":
        "leaked; leak token; token leak; leaked key; exposed credential; compromised; security incident; "
        "security breach; security vulnerability; security update; security patch; security researcher; breach; "
        "vulnerability; vulnerable; exploit; cve; malicious; attacker; intruder; intrusion; hack; hacker; stolen",
    "attack": "ddos; denial of service; attack; botnet; bot; abuse; abusive; crypto mining; cryptomining; spam",
    "release":
        "deploy; deployment; release; rollout; roll out; rolled out; shipped new; new version; new build; new code; "
        "canary; merge; code change",
    "upgrade":
        "upgrade; version bump; version update; version change; bump; migrate; migration; update to; incompatible; "
        "incompatibility; deprecated; breaking change",
    "configuration":
        "configuration; config; configure; misconfigured; misconfiguration; setting; parameter; yaml; flag; "
        "feature flag; environment variable; typo; wrong value; incorrect value; terraform; infrastructure as code",
    "deletion":
        "delete; deleted; deletion; dropped table; dropped database; destroy; destroyed; wiped; removed; removal; "
        "removing; accidental; accidentally; purge; overwritten; overwrote; truncated; rm rf",
    "lost data":
        "data loss; lost data; missing data; corrupt; corrupted; corruption; data integrity; inconsistent; "
        "inconsistency; unrecoverable; backup",
    "overload":
        "overload; overloaded; traffic spike; traffic surge; traffic increase; traffic peak; spike traffic; "
        "spike in traffic; spike in requests; increase in traffic; increase in requests; increase in load; surge; "
        "flood; thundering herd; stampede; too many requests; too many users; high load; high traffic; high demand; "
        "capacity; scale; scaling; autoscaler; autoscaling; popular; popularity; overcommit; exhausted; exhaustion; "
        "saturated; saturation",
    "limit":
        "quota; rate limit; rate limiting; throttled; throttling; throttle; 429; limit reached; limit exceeded; "
        "exceed limit; exceeded limit; limit was; pod limit",
    "used up connections":
        "connection pool; pool exhausted; pool exhaustion; connection limit; connection leak; connection exhausted; "
        "max connection; maximum connection; too many connection; connection slot; file descriptor; socket; "
        "thread pool; thread exhaustion",
    "backlog": "queue; backlog; consumer lag; lag; lagging; behind; kafka; rabbitmq; sqs; worker; job",
    "lock":
        "deadlock; lock contention; lock wait; lock table; lock service; contention; mutex; race condition; "
        "concurrent; concurrency; livelock",
    "replication":
        "replica; replicated; replication; failover; fail over; leader; leadership; leader election; primary; "
        "standby; split brain; quorum; consensus; cluster member; etcd; raft; zookeeper; consul; peer; gossip; "
        "sync; synchronize; synchronization",
    "database":
        "database; db; rds; postgres; postgresql; mysql; mariadb; mongo; mongodb; cassandra; dynamodb; sql; query; "
        "index; table; schema; elasticsearch; elastic search; transaction; vacuum; wraparound",
    "cache": "cache; caching; redis; memcached; eviction; evicted; stale; cdn; varnish",
    "load balancing":
        "load balancer; load balancing; loadbalancer; lb; elb; alb; nlb; haproxy; ingress; nginx; traefik; envoy; "
        "proxy; reverse proxy; gateway",
    "logging": "log; logging; log shipping; fluentd; fluentbit; fluent bit; filebeat; kibana; cloudwatch; audit",
    "monitoring":
        "monitor; monitoring; metric; prometheus; grafana; scrape; scraping; exporter; alertmanager; alert manager; "
        "notification; dashboard; pingdom; observability; thanos; target",
    "node":
        "node; not ready; notready; kubelet; instance failure; instance terminated; host down; host failure; "
        "virtual machine; vm; reboot; rebooted; kernel; hypervisor; drain; draining",
    "scheduling":
        "pending; unschedulable; schedule; scheduling; scheduler; eviction; evicted; taint; insufficient cpu; "
        "insufficient memory; insufficient resource; insufficient capacity; autoscaler; placement; overcommit; "
        "resource request; resource quota; resource limit",
    "control plane":
        "webhook; admission; validating; mutating; api server; apiserver; kube api; kube apiserver; control plane; "
        "master node",
    "build or image":
        "image pull; registry; docker hub; image; build; builder; container image; ci; cd; pipeline; npm; package; "
        "dependency; repository",
    "third party":
        "third party; vendor; upstream provider; upstream outage; upstream service; provider; external service; "
        "external dependency; external api; aws; azure; gcp; google cloud; cloudflare; github; heroku",
    "hardware or power":
        "power loss; power outage; power failure; power supply; lost power; cooling; overheating; data center; "
        "datacenter; data centre; generator; hardware; raid; disk failure; ups; faulty; nic; rack; bonding",
    "clock":
        "clock; ntp; leap second; leap year; leap day; timezone; time zone; daylight; clock skew; skew; drift; "
        "time sync; timestamp",
    "overflow":
        "overflow; underflow; integer; 32 bit; int32; wraparound; wrapped around; out of ids; exceeded maximum",
    "bug":
        "bug; regression; defect; logic error; off by one; null; exception; infinite loop; recursion; regex; "
        "regular expression; edge case; assertion; poison; uninitialized",
    "manual step":
        "manual; manually; by mistake; mistaken; wrong server; wrong database; wrong cluster; wrong command; "
        "wrong environment; command; script; procedure; maintenance; checklist",
    "retries":
        "retry; retried; retrying; retry storm; cascade; cascading; thundering; feedback loop; amplified; "
        "amplification; circuit breaker; reconnect; reconnecting; load shedding",
    "roll-back": "rollback; roll back; rolled back; revert; reverted; restore; restored; recover; recovery",
    "payment": "trading; payment; billing; order; charge; charged; invoice; checkout",
}
