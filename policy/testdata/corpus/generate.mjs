// Makes cases.jsonl: requests with policies, and what @cloud-copilot/iam-simulate decides of them. See README.md.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [, , modules, output] = process.argv
if (!modules || !output) {
  console.error('usage: node generate.mjs FOLDER-WITH-node_modules OUTPUT')
  process.exit(2)
}
const require = createRequire(join(modules, 'x.js'))
const peer = await import(pathToFileURL(require.resolve('@cloud-copilot/iam-simulate')).href)

// mulberry32: the same numbers on every machine.
let state = 20261121
function random() {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}
const int = (n) => Math.floor(random() * n)
const pick = (...values) => values[int(values.length)]
const chance = (p) => random() < p
const some = (...values) => {
  const out = [pick(...values)]
  while (chance(0.3)) out.push(pick(...values))
  return out.length === 1 && chance(0.5) ? out[0] : [...new Set(out)]
}

const A = '111122223333'
const B = '444455556666'
const ann = `arn:aws:iam::${A}:user/ann`
const bob = `arn:aws:iam::${A}:user/bob`
const role = `arn:aws:iam::${A}:role/reader`
const session = `arn:aws:sts::${A}:assumed-role/reader/s1`
const federated = `arn:aws:sts::${A}:federated-user/ann`
const rootA = `arn:aws:iam::${A}:root`
const rootB = `arn:aws:iam::${B}:root`
const roleB = `arn:aws:iam::${B}:role/archive`
const service = 's3.amazonaws.com'
const services = ['firehose.amazonaws.com', 'delivery.logs.amazonaws.com', 'logs.us-east-1.amazonaws.com']

const key = `arn:aws:kms:us-east-1:${A}:key/1234abcd-12ab-34cd-56ef-1234567890ab`
const targets = [
  ['s3:GetObject', 'arn:aws:s3:::archive/logs/2026/x.gz'],
  ['s3:PutObject', 'arn:aws:s3:::archive/home/ann/x'],
  ['s3:ListBucket', 'arn:aws:s3:::archive'],
  ['sqs:SendMessage', `arn:aws:sqs:us-east-1:${A}:events`],
  ['sns:Publish', `arn:aws:sns:us-east-1:${A}:topic`],
  ['lambda:InvokeFunction', `arn:aws:lambda:us-east-1:${A}:function:transform`],
  ['firehose:PutRecordBatch', `arn:aws:firehose:us-east-1:${A}:deliverystream/logs`],
  ['dynamodb:GetItem', `arn:aws:dynamodb:us-east-1:${A}:table/jobs`],
  ['s3:ListAllMyBuckets', '*'],
]

const statement = (effect, action, resource, more = {}) => ({ Effect: effect, Action: action, Resource: resource, ...more })
const doc = (...statements) => ({ Version: '2012-10-17', Statement: statements })
const allowAll = doc(statement('Allow', '*', '*'))

const cases = []
const seen = new Set()
let dropped = 0

async function add(rule, c) {
  // A service has no identity policies, whatever was drawn.
  if (c.caller.endsWith('.amazonaws.com')) {
    c.identity = []
    delete c.boundary
  }
  const text = JSON.stringify(c)
  if (seen.has(text)) return
  seen.add(text)
  const named = (docs, prefix) => docs.map((policy, i) => ({ name: `${prefix}${i}`, policy }))
  const levels = (list, prefix) => list.map((docs, i) => ({ orgIdentifier: `ou-${i}`, policies: named(docs, `${prefix}${i}-`) }))
  const result = await peer.runSimulation(
    {
      request: {
        principal: c.caller === '' ? peer.anonymousPrincipal : c.caller,
        action: c.action,
        resource: { resource: c.resource, accountId: c.owner },
        contextVariables: c.context ?? {},
      },
      identityPolicies: named(c.identity ?? [], 'identity'),
      serviceControlPolicies: levels(c.scp ?? [], 'scp'),
      resourceControlPolicies: levels(c.rcp ?? [], 'rcp'),
      permissionBoundaryPolicies: c.boundary ? named(c.boundary, 'boundary') : undefined,
      sessionPolicy: c.session,
      resourcePolicy: c.resourcePolicy,
    },
    {}
  )
  // Only what the peer takes as it is tells something: no invalid policy, and no context key that it leaves out.
  if (result.resultType !== 'single' || result.result.ignoredContextKeys.length > 0) {
    dropped++
    if (process.env.WHY) console.error(rule, JSON.stringify(result.errors ?? result.result?.ignoredContextKeys), JSON.stringify(c).slice(0, 400))
    return
  }
  const decision = { Allowed: 'allowed', ExplicitlyDenied: 'explicitDeny', ImplicitlyDenied: 'implicitDeny' }[result.overallResult]
  cases.push({ id: `${rule}-${cases.length}`, ...c, peer: decision })
}

// --- conditions: every operator, suffix and set operator, with values that hit, miss and are absent
const operators = [
  ['aws:PrincipalTag/a', ['StringEquals', 'StringNotEquals', 'StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase'], ['red', 'blue*', 'Green'], ['red', 'RED', 'blue', 'blue*', 'green', 'x']],
  ['aws:PrincipalTag/a', ['StringLike', 'StringNotLike'], ['re?', 'b*e', '*x*', 'lit'], ['red', 'blue', 'be', 'axb', 're', 'LIT', 'lit', 'a.b']],
  ['aws:MultiFactorAuthAge', ['NumericEquals', 'NumericNotEquals', 'NumericLessThan', 'NumericLessThanEquals', 'NumericGreaterThan', 'NumericGreaterThanEquals'], ['10', '300', '7.5'], ['10', '9', '300', '301', '7.5', '7.50', '0']],
  ['aws:CurrentTime', ['DateEquals', 'DateNotEquals', 'DateLessThan', 'DateLessThanEquals', 'DateGreaterThan', 'DateGreaterThanEquals'], ['2026-01-02T03:04:05Z', '2025-12-31'], ['2026-01-02T03:04:05Z', '2026-01-02T04:04:05+01:00', '2026-01-02T03:04:06Z', '2025-12-31T00:00:00Z', '2020-02-02']],
  ['aws:SecureTransport', ['Bool'], ['true', 'false'], ['true', 'false', 'True']],
  ['aws:SourceIp', ['IpAddress', 'NotIpAddress'], ['203.0.113.0/24', '10.0.0.1', '2001:db8:1234:5678::/64'], ['203.0.113.7', '203.0.114.7', '10.0.0.1', '10.0.0.2', '2001:db8:1234:5678::1', '2001:db8:1234:5679::1']],
  ['aws:SourceArn', ['ArnEquals', 'ArnNotEquals', 'ArnLike', 'ArnNotLike'], [`arn:aws:logs:*:${A}:*`, `arn:aws:sns:us-east-1:${A}:topic?`, 'arn:aws:s3:::archive'], [`arn:aws:logs:us-east-1:${A}:log-group:x:y`, `arn:aws:logs:us-east-1:${B}:x`, `arn:aws:sns:us-east-1:${A}:topic1`, `arn:aws:sns:us-east-1:${A}:topic`, 'arn:aws:s3:::archive', 'arn:aws:s3:::Archive']],
]
for (const [name, ops, policyValues, requestValues] of operators) {
  for (const op of ops) {
    for (const suffix of ['', 'IfExists']) {
      for (let i = 0; i < (op.startsWith('Bool') ? 6 : 9); i++) {
        const value = i === 0 ? undefined : requestValues[(i + int(2)) % requestValues.length]
        const condition = { [op + suffix]: { [chance(0.2) ? name.toUpperCase() : name]: some(...policyValues) } }
        await add(`condition-${op}${suffix}`, {
          caller: ann, action: 's3:GetObject', resource: 'arn:aws:s3:::archive/logs/x', owner: A,
          context: value === undefined ? {} : { [name]: value },
          identity: [chance(0.7) ? doc(statement('Allow', 's3:*', '*', { Condition: condition })) : doc(statement('Allow', 's3:*', '*'), statement('Deny', 's3:*', '*', { Condition: condition }))],
        })
      }
    }
  }
}
const sets = [
  ['aws:TagKeys', ['StringEquals', 'StringNotEquals', 'StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase', 'StringLike', 'StringNotLike'], ['owner', 'cost*', 'Env'], ['owner', 'cost', 'cost*', 'costcenter', 'env', 'x']],
  ['aws:PrincipalOrgPaths', ['StringLike', 'StringNotLike', 'StringEquals'], ['o-1/r-1/ou-a/*', 'o-1/r-1/ou-b/'], ['o-1/r-1/ou-a/x/', 'o-1/r-1/ou-b/', 'o-1/r-1/ou-c/']],
]
for (const [name, ops, policyValues, requestValues] of sets) {
  for (const op of ops) {
    for (const set of ['ForAllValues:', 'ForAnyValue:', '']) {
      for (const suffix of ['', 'IfExists']) {
        for (let i = 0; i < 6; i++) {
          const context = i === 0 ? {} : { [name]: [...new Set(Array.from({ length: 1 + int(3) }, () => pick(...requestValues)))] }
          const condition = { [set + op + suffix]: { [name]: some(...policyValues) } }
          await add(`set-${set.replace(':', '')}${op}${suffix}`, {
            caller: ann, action: 's3:GetObject', resource: 'arn:aws:s3:::archive/logs/x', owner: A, context,
            identity: [doc(statement('Allow', 's3:*', '*', { Condition: condition }))],
          })
        }
      }
    }
  }
}
for (const [value, present] of [['true', 0], ['false', 0], ['true', 1], ['false', 1], [['true', 'false'], 0], [['true', 'false'], 1]]) {
  for (const effect of ['Allow', 'Deny']) {
    await add('condition-Null', {
      caller: ann, action: 's3:GetObject', resource: 'arn:aws:s3:::archive/logs/x', owner: A, context: present ? { 'aws:username': 'ann' } : {},
      identity: [doc(statement('Allow', 's3:*', '*', effect === 'Allow' ? { Condition: { Null: { 'aws:username': value } } } : {}), ...(effect === 'Deny' ? [statement('Deny', 's3:*', '*', { Condition: { Null: { 'aws:username': value } } })] : []))],
    })
  }
}
for (let i = 0; i < 60; i++) {
  // Several operators and keys: all must hold.
  await add('condition-all', {
    caller: ann, action: 's3:GetObject', resource: 'arn:aws:s3:::archive/logs/x', owner: A,
    context: { 'aws:PrincipalTag/a': pick('red', 'blue'), 'aws:SecureTransport': pick('true', 'false'), 'aws:SourceIp': pick('10.0.0.1', '10.1.0.1'), ...(chance(0.5) ? { 'aws:username': 'ann' } : {}) },
    identity: [doc(statement('Allow', 's3:*', '*', { Condition: { StringEquals: { 'aws:PrincipalTag/a': some('red', 'blue'), 'aws:PrincipalTag/A': some('red', 'blue', 'green') }, Bool: { 'aws:SecureTransport': pick('true', 'false') }, NotIpAddress: { 'aws:SourceIp': '10.1.0.0/16' }, StringEqualsIfExists: { 'aws:username': pick('ann', 'bob') } } }))],
  })
}

// --- variables
const variables = ['${aws:username}', '${AWS:UserName}', '${aws:PrincipalTag/team}', "${aws:PrincipalTag/team, 'none'}", '${*}', '${?}', '${$}', '${aws:username}*', '*${aws:username}']
for (let i = 0; i < 140; i++) {
  const v = variables[i % variables.length]
  const inResource = chance(0.5)
  const version = chance(0.15) ? '2008-10-17' : '2012-10-17'
  const context = { ...(chance(0.75) ? { 'aws:username': pick('ann', 'bob', 'a*n') } : {}), ...(chance(0.5) ? { 'aws:PrincipalTag/team': pick('red', 'none') } : {}) }
  const name = pick('ann', 'bob', 'red', 'none', '*', '?', '$', 'xann', 'annx', v, 'axn')
  const op = pick('StringEquals', 'StringLike', 'StringNotEquals', 'StringNotLike', 'StringEqualsIgnoreCase')
  await add('variable', inResource
    ? { caller: ann, action: 's3:GetObject', resource: `arn:aws:s3:::archive/home/${name.replaceAll('*', 'star')}/x`, owner: A, context,
        identity: [{ ...doc(pick(statement('Allow', 's3:*', `arn:aws:s3:::archive/home/${v}/*`), { Effect: 'Allow', Action: 's3:*', NotResource: `arn:aws:s3:::archive/home/${v}/*` })), Version: version }] }
    : { caller: ann, action: 's3:GetObject', resource: 'arn:aws:s3:::archive/x', owner: A, context: { ...context, 'aws:PrincipalTag/a': name },
        identity: [{ ...doc(statement('Allow', 's3:*', '*', { Condition: { [op]: { 'aws:PrincipalTag/a': v } } })), Version: version }] })
}

// --- identity policies: Action, NotAction, Resource, NotResource
const actionPatterns = ['*', 's3:*', 's3:Get*', 's3:GetObject', 'S3:getobject', 's3:?etObject', 's3:*Object*', 'sqs:SendMessage', 'sqs:*', 'sns:P*', 'lambda:Invoke*', 'firehose:Put*', 'dynamodb:GetItem', 's3:List*']
const resourcePatterns = ['*', 'arn:aws:s3:::archive/*', 'arn:aws:s3:::archive', 'arn:aws:s3:::*', 'arn:aws:s3:::archive/logs/*/x.??', 'arn:aws:s3:::archive/home/?nn/*', `arn:aws:sqs:*:${A}:*`, `arn:aws:sqs:us-east-1:${B}:events`, `arn:aws:*:*:${A}:*`, `arn:aws:lambda:us-east-1:${A}:function:*`, `arn:aws:firehose:*:*:deliverystream/l*`, `arn:aws:dynamodb:us-west-2:${A}:table/jobs`]
function identityStatement() {
  const s = { Effect: chance(0.75) ? 'Allow' : 'Deny' }
  s[chance(0.8) ? 'Action' : 'NotAction'] = some(...actionPatterns)
  s[chance(0.8) ? 'Resource' : 'NotResource'] = some(...resourcePatterns)
  if (chance(0.2)) s.Sid = `S${int(1000)}`
  return s
}
const identityDoc = () => doc(...Array.from({ length: 1 + int(3) }, identityStatement))
for (let i = 0; i < 260; i++) {
  const [action, resource] = pick(...targets)
  await add('identity', { caller: pick(ann, session, role), action, resource, owner: A, identity: Array.from({ length: int(3) }, identityDoc) })
}

// --- policies of resources, within the account and across, with boundaries and session policies
const principals = [ann, bob, role, session, `arn:aws:sts::${A}:assumed-role/reader/s2`, federated, rootA, A, rootB, B, '*']
function resourceStatement(action, resource) {
  const s = { Effect: chance(0.8) ? 'Allow' : 'Deny' }
  const who = chance(0.15) ? '*' : chance(0.15) ? { Service: some(service, ...services) } : { AWS: some(...principals) }
  s[chance(0.88) ? 'Principal' : 'NotPrincipal'] = who
  s[chance(0.9) ? 'Action' : 'NotAction'] = some(action, `${action.split(':')[0]}:*`, 's3:DeleteObject')
  s[chance(0.92) ? 'Resource' : 'NotResource'] = some(resource, '*', resource.replace(/[^:/]+$/, '*'), 'arn:aws:s3:::other/*')
  if (chance(0.2)) s.Condition = { [pick('StringEquals', 'StringNotEquals')]: { 'aws:PrincipalTag/a': 'red' } }
  return s
}
const limit = (action) => pick(doc(statement('Allow', action, '*')), doc(statement('Allow', 'ec2:*', '*')), allowAll, doc(statement('Allow', '*', '*'), statement('Deny', action, '*')))
function participants(rule, owner) {
  const [action, resource] = pick(...targets.slice(0, 7))
  const onOther = owner === B ? resource.replace(A, B) : resource
  const caller = pick(ann, ann, role, session, session, federated)
  return {
    caller, action, resource: onOther, owner,
    context: chance(0.4) ? { 'aws:PrincipalTag/a': pick('red', 'blue') } : {},
    identity: chance(0.6) ? [chance(0.7) ? doc(statement('Allow', action, '*')) : identityDoc()] : [],
    ...(chance(0.3) ? { boundary: [limit(action)] } : {}),
    ...(chance(0.3) && (caller === session || caller === federated) ? { session: limit(action) } : {}),
    ...(chance(0.85) ? { resourcePolicy: doc(...Array.from({ length: 1 + int(2) }, () => resourceStatement(action, onOther))) } : {}),
  }
}
for (let i = 0; i < 520; i++) await add('same-account', participants('same', A))
for (let i = 0; i < 360; i++) await add('cross-account', participants('cross', B))

// --- services and the anonymous
for (let i = 0; i < 150; i++) {
  const [action, resource] = pick(...targets.slice(0, 6))
  await add('service', {
    caller: pick(service, ...services), action, resource, owner: A,
    context: { ...(chance(0.8) ? { 'aws:SourceAccount': pick(A, B) } : {}), ...(chance(0.5) ? { 'aws:SourceArn': pick(`arn:aws:logs:us-east-1:${A}:x`, `arn:aws:s3:::archive`) } : {}) },
    identity: [],
    resourcePolicy: doc(
      { Effect: 'Allow', Principal: pick('*', { Service: some(service, ...services) }, { AWS: rootA }, { Service: service, AWS: rootA }), Action: some(action, 's3:*'), Resource: '*', ...(chance(0.6) ? { Condition: { StringEquals: { 'aws:SourceAccount': A }, ...(chance(0.4) ? { ArnLike: { 'aws:SourceArn': `arn:aws:logs:*:${A}:*` } } : {}) } } : {}) },
      ...(chance(0.3) ? [{ Effect: 'Deny', Principal: pick('*', { Service: services[0] }), Action: action, Resource: '*', Condition: { StringNotEquals: { 'aws:SourceAccount': A } } }] : [])
    ),
  })
}
for (let i = 0; i < 40; i++) {
  const [action, resource] = pick(...targets.slice(0, 3))
  await add('anonymous', { caller: '', action, resource, owner: A, identity: [], resourcePolicy: doc(resourceStatement(action, resource), { Effect: 'Allow', Principal: pick('*', { AWS: '*' }, { AWS: A }), Action: action, Resource: '*' }) })
}

// --- KMS keys and roles: their own policy must allow
for (let i = 0; i < 200; i++) {
  const action = pick('kms:Decrypt', 'kms:GenerateDataKey', 'kms:DescribeKey')
  const cross = chance(0.3)
  const caller = cross ? roleB : pick(ann, role, session)
  await add('kms', {
    caller, action, resource: key, owner: A, context: chance(0.5) ? { 'kms:ViaService': pick('s3.us-east-1.amazonaws.com', 'sqs.us-east-1.amazonaws.com') } : {},
    identity: chance(0.65) ? [doc(statement('Allow', pick('kms:*', action, 'kms:Encrypt'), pick('*', key)))] : [],
    ...(chance(0.25) ? { boundary: [limit(action)] } : {}),
    ...(chance(0.9) ? { resourcePolicy: doc({ Effect: 'Allow', Principal: { AWS: some(rootA, rootB, ann, role, roleB, session, '*') }, Action: pick('kms:*', action, 'kms:Encrypt'), Resource: '*', ...(chance(0.25) ? { Condition: { StringEquals: { 'kms:ViaService': 's3.us-east-1.amazonaws.com' } } } : {}) }, ...(chance(0.2) ? [{ Effect: 'Deny', Principal: { AWS: some(ann, role, rootB) }, Action: 'kms:Decrypt', Resource: '*' }] : [])) } : {}),
  })
}
for (let i = 0; i < 180; i++) {
  const cross = chance(0.5)
  await add('trust', {
    caller: pick(ann, role, session, ...(chance(0.4) ? services : [])), action: 'sts:AssumeRole', resource: cross ? roleB : `arn:aws:iam::${A}:role/archive`, owner: cross ? B : A,
    context: chance(0.5) ? { 'sts:ExternalId': pick('id1', 'id2') } : {},
    identity: chance(0.6) ? [doc(statement('Allow', pick('sts:AssumeRole', 'sts:*', 's3:*'), pick('*', roleB, `arn:aws:iam::${A}:role/*`)))] : [],
    ...(chance(0.2) ? { boundary: [limit('sts:AssumeRole')] } : {}),
    resourcePolicy: doc({ Effect: 'Allow', Principal: chance(0.2) ? { Service: some(...services) } : { AWS: some(rootA, rootB, ann, role, session, A) }, Action: pick('sts:AssumeRole', 'sts:*', 'sts:TagSession'), ...(chance(0.3) ? { Condition: { StringEquals: { 'sts:ExternalId': 'id1' } } } : {}) }),
  })
}

// --- organizations
for (let i = 0; i < 160; i++) {
  const [action, resource] = pick(...targets)
  const level = () => [pick(allowAll, allowAll, doc(statement('Allow', action, '*')), doc(statement('Allow', 'ec2:*', '*')), doc(statement('Allow', '*', '*'), statement('Deny', action, '*', chance(0.5) ? { Condition: { StringNotEquals: { 'aws:PrincipalTag/a': 'red' } } } : {})))]
  await add('scp', {
    caller: pick(ann, session), action, resource, owner: A, context: chance(0.5) ? { 'aws:PrincipalTag/a': pick('red', 'blue') } : {},
    identity: chance(0.85) ? [doc(statement('Allow', action, '*'))] : [], scp: Array.from({ length: 1 + int(3) }, level),
    ...(chance(0.2) && resource !== '*' ? { resourcePolicy: doc({ Effect: 'Allow', Principal: { AWS: ann }, Action: action, Resource: '*' }) } : {}),
  })
}
for (let i = 0; i < 110; i++) {
  const [action, resource] = pick(...targets.slice(0, 4))
  await add('rcp', {
    caller: pick(ann, session, roleB, service), action, resource, owner: A, context: { ...(chance(0.6) ? { 'aws:PrincipalTag/a': pick('red', 'blue') } : {}), ...(chance(0.4) ? { 'aws:SecureTransport': pick('true', 'false') } : {}) },
    identity: [doc(statement('Allow', action, '*'))],
    rcp: Array.from({ length: 1 + int(2) }, () => [doc({ Effect: 'Deny', Principal: '*', Action: some(action, 's3:*', 'sqs:DeleteQueue'), Resource: '*', ...(chance(0.7) ? { Condition: pick({ BoolIfExists: { 'aws:SecureTransport': 'false' } }, { StringNotEqualsIfExists: { 'aws:PrincipalTag/a': 'red' } }, { Bool: { 'aws:SecureTransport': 'false' } }) } : {}) })]),
    resourcePolicy: doc({ Effect: 'Allow', Principal: pick({ AWS: rootA }, { AWS: [rootA, rootB] }, { Service: service }, '*'), Action: action, Resource: '*' }),
  })
}

writeFileSync(output, cases.map((c) => JSON.stringify(c) + '\n').join(''))
const count = (f) => Object.entries(cases.reduce((n, c) => ({ ...n, [f(c)]: (n[f(c)] ?? 0) + 1 }), {}))
console.log(`${cases.length} cases, ${dropped} draws that the peer refuses`)
console.log(count((c) => c.peer).join(' '), '\n', count((c) => c.id.replace(/-.*/, '')).join(' '))
