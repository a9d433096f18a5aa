import { type Credential, type Kind, type Organization, type Provider, type Role } from '../bindings.gen'
import * as applications from './applications'
import { addServer, fingerprint, HOUR_OF_SAMPLES, seedSamples } from './servers'
import { emptyWorkspace, type Scenario, type Workspace, world } from './world'

const COLORS = ['#2563eb', '#b45309', '#047857', '#7c3aed', '#be123c', '#0e7490', '#4d7c0f', '#a21caf']
const GIB = 1024 ** 3
const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString()

/** Every permission there is; an owner has them all. */
export const PERMISSIONS = ['organization:read', 'organization:write', 'organization:create', 'organization:delete', 'member:write', 'credential:read', 'credential:write', 'server:read', 'server:write', 'stack:read', 'stack:write', 'stack:apply', 'application:read', 'application:write', 'deployment:run', 'job:read', 'job:control', 'audit:read', 'settings:write']

const GRANTED: Record<Role, string[]> = {
  owner: PERMISSIONS,
  admin: PERMISSIONS.filter(permission => permission !== 'organization:delete'),
  member: PERMISSIONS.filter(permission => permission.endsWith(':read') || ['application:write', 'deployment:run', 'job:control'].includes(permission)),
  viewer: PERMISSIONS.filter(permission => permission.endsWith(':read')),
}

/** Makes an organization's record. */
export function organization(name: string, kind: Kind, parentId: string | null, level: number, color: string | null, role: Role): Organization {
  return {
    id: world.id('org'), name, slug: name.toLowerCase().replace(/[^a-z0-9]+/g, '-'), kind, parentId, level,
    color: color ?? COLORS[world.organizations.length % COLORS.length] ?? '#2563eb', createdAt: world.now(), archivedAt: null, role, permissions: GRANTED[role],
  }
}

/** Makes a credential's record. */
export function credential(name: string, provider: Provider, secret: string, publicFields: Record<string, string> = {}): Credential {
  return {
    id: world.id('crd'), name, provider, fingerprint: provider === 'ssh_key' ? fingerprint(name) : `…${secret.slice(-4)}`, publicFields,
    status: { state: 'untested' }, createdAt: world.now(), lastUsedAt: null,
  }
}

/** Builds the world that `scenario` names. */
export function seed(scenario: Partial<Scenario>) {
  world.reset(scenario)
  if (world.scenario.vault === 'absent') return
  const house = world.add(organization('Northwind Hosting', 'top_branch', null, 0, '#4f46e5', 'owner'), world.scenario.fleet === 'empty' ? emptyWorkspace() : fleetOf(world.scenario.fleet))
  if (world.scenario.fleet === 'empty') return
  const agency = world.add(organization('Harbor Agency', 'master_branch', house.id, 1, '#b45309', 'owner'), fleetOf('some', ['harbor']))
  world.add(organization('Lumen Dental', 'sub_user', agency.id, 2, '#047857', 'admin'), fleetOf('some', ['lumen']))
  world.add(organization('Alpine Outfitters', 'sub_user', agency.id, 2, '#be123c', 'member'))
  world.add(organization('Kestrel Robotics', 'sub_user', house.id, 1, '#7c3aed', 'viewer'), fleetOf('some', ['kestrel']))
}

function fleetOf(size: 'some' | 'many', prefixes = ['web', 'db', 'edge']): Workspace {
  const workspace = emptyWorkspace()
  const cloud = credential('Hetzner production', 'hetzner', 'x7Kq', {})
  cloud.status = { state: 'valid', at: ago(42) }
  cloud.lastUsedAt = ago(42)
  const key = credential('Operations key', 'ssh_key', '', { public_key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0Zk9S7rV4Yw2m1 operations' })
  key.status = { state: 'valid', at: ago(600) }
  workspace.credentials.push(cloud, key, credential('ghcr.io pull', 'registry', 'p2Qz', { server: 'ghcr.io', user: 'northwind' }))
  addStacks(workspace, cloud.id, key.id, prefixes[0] ?? 'web')
  addFleet(workspace, size === 'many' ? 1000 : 12, prefixes, key.id)
  addApplications(workspace)
  addJobs(workspace)
  return workspace
}

function addFleet(workspace: Workspace, count: number, prefixes: string[], credentialId: string) {
  const systems = ['Debian GNU/Linux 12 (bookworm)', 'Ubuntu 24.04.1 LTS', 'Debian GNU/Linux 13 (trixie)']
  const stack = workspace.stacks[0]
  for (let index = 0; index < count; index += 1) {
    const prefix = prefixes[index % prefixes.length] ?? 'web'
    const name = `${prefix}-${Math.floor(index / prefixes.length) + 1}`
    const server = addServer(workspace, { name, host: `198.51.${100 + Math.floor(index / 250)}.${(index % 250) + 4}`, port: 22, user: 'root', credentialId }, index < 3 ? stack?.id ?? null : null)
    if (index < 3) stack?.servers.push({ id: server.id, name })
    const large = index % 3 === 1
    Object.assign(server, {
      createdAt: ago(60 * 24 * 30 - index), status: 'ready', reachable: true, hostKey: { algorithm: 'ssh-ed25519', fingerprint: fingerprint(server.id) },
      facts: { os: systems[index % 3], kernel: '6.1.0-26-amd64', architecture: index % 5 ? 'x86_64' : 'aarch64', cores: large ? 8 : 2 + (index % 2) * 2, memoryBytes: (large ? 16 : 4 + (index % 2) * 4) * GIB, diskBytes: (large ? 320 : 40) * GIB, docker: '27.3.1' },
      checks: [['connect', `connected to ${server.host}:22`], ['host_key', `ssh-ed25519 ${fingerprint(server.id)}`], ['authenticate', 'logged in as root'], ['facts', `${systems[index % 3]}`], ['privileges', 'is root'], ['resources', '31.4 GiB of disk are free'], ['docker', 'Docker 27.3.1 answers']].map(([check, detail]) => ({ check, passed: true, detail, hint: null })),
    })
    seedSamples(workspace, server, count > 100 && index > 60 ? 2 : HOUR_OF_SAMPLES)
    if (index === 7 || (count > 100 && index % 97 === 0 && index > 0)) {
      server.reachable = false
      if (server.latest) server.latest = { ...server.latest, at: ago(14) }
    }
    if (index === 10) breakHostKey(workspace, server.id)
  }
}

function breakHostKey(workspace: Workspace, id: string) {
  const server = workspace.servers.find(other => other.id === id)
  if (!server) return
  const presented = { algorithm: 'ssh-ed25519', fingerprint: fingerprint(`${id}-other`) }
  workspace.presentedKeys.set(id, presented)
  server.name = `${server.name}-newkey`
  server.status = 'failed'
  server.reachable = false
  server.checks = [
    { check: 'connect', passed: true, detail: `connected to ${server.host}:22`, hint: null },
    { check: 'host_key', passed: false, detail: `host key for \`${server.name}\` changed: it presents ${presented.algorithm} ${presented.fingerprint}`, hint: 'compare the fingerprint with the provider\'s console before you accept it' },
  ]
}

function addStacks(workspace: Workspace, credentialId: string, sshCredentialId: string, name: string) {
  const base = { module: 'hetzner', credentialId, sshCredentialId, hourlyPrice: null, servers: [] }
  const done = { ...base, id: world.id('stk'), name, inputs: { region: 'nbg1', size: 'cx33', image: 'debian-12', serverCount: 3 }, status: 'completed' as const, createdAt: ago(60 * 24 * 30), latestRun: null, servers: [] }
  const waiting = { ...base, id: world.id('stk'), name: `${name}-staging`, inputs: { region: 'hel1', size: 'cax11', image: 'ubuntu-24.04', serverCount: 2 }, status: 'awaiting_approval' as const, createdAt: ago(60), latestRun: null, servers: [] }
  const failed = { ...base, id: world.id('stk'), name: `${name}-quota`, inputs: { region: 'fsn1', size: 'ccx23', image: 'debian-12', serverCount: 4 }, status: 'failed' as const, createdAt: ago(60 * 24), latestRun: null, servers: [] }
  workspace.stacks.push(done, waiting, failed)
  const addresses = ['hcloud_ssh_key.this["key-0"]', 'hcloud_network.this', 'hcloud_network_subnet.this', 'hcloud_firewall.this', ...[1, 2, 3].map(number => `hcloud_server.this["${name}-${number}"]`)]
  workspace.runs.push(
    { id: world.id('run'), stackId: waiting.id, jobId: world.id('job'), operation: 'plan', status: 'succeeded', changes: addresses.slice(0, 6).map(address => ({ address: address.replaceAll(name, waiting.name), resourceType: address.split('.')[0] ?? '', action: 'create' as const })), resources: [], diagnostics: [{ isError: false, summary: 'Argument is deprecated', detail: 'Use `location` in place of `datacenter`.', place: 'main.tf:52' }], startedAt: ago(59), endedAt: ago(58), decided: false },
    { id: world.id('run'), stackId: done.id, jobId: world.id('job'), operation: 'apply', status: 'succeeded', changes: addresses.map(address => ({ address, resourceType: address.split('.')[0] ?? '', action: 'create' as const })), resources: addresses.map((address, index) => ({ address, action: 'create' as const, state: 'done' as const, elapsedSeconds: 2 + index * 3, resourceId: String(48_211_000 + index) })), diagnostics: [], startedAt: ago(60 * 24 * 30), endedAt: ago(60 * 24 * 30 - 2), decided: true },
    { id: world.id('run'), stackId: failed.id, jobId: world.id('job'), operation: 'apply', status: 'failed', changes: [{ address: 'hcloud_network.this', resourceType: 'hcloud_network', action: 'create' }, { address: `hcloud_server.this["${failed.name}-1"]`, resourceType: 'hcloud_server', action: 'create' }], resources: [{ address: 'hcloud_network.this', action: 'create', state: 'done', elapsedSeconds: 3, resourceId: '48311920' }, { address: `hcloud_server.this["${failed.name}-1"]`, action: 'create', state: 'failed', elapsedSeconds: 6, resourceId: null }], diagnostics: [{ isError: true, summary: 'server limit reached (resource_limit_exceeded)', detail: 'The project may have 10 servers.', place: 'main.tf:88' }], startedAt: ago(60 * 23), endedAt: ago(60 * 23 - 1), decided: true },
  )
  for (const stack of workspace.stacks) stack.latestRun = workspace.runs.find(run => run.stackId === stack.id) ?? null
  const run = workspace.runs[1]
  workspace.states.set(done.id, [11, 7, 3].map((serial, index) => ({ serial, lineage: '5b1f2c7e-8d34-4f0a-9a51-2c77f1f0aa10', sha256: fingerprint(`${serial}`).slice(7).toLowerCase().padEnd(64, '0'), size: 14_200 - index * 3_900, resources: 7 - index * 2, runId: run?.id ?? '', createdAt: ago(60 * 24 * 30 - 2 + index) })))
}

function addApplications(workspace: Workspace) {
  const healthCheck = { path: '/healthz', timeoutSeconds: 5, intervalSeconds: 10, startPeriodSeconds: 30, successThreshold: 1, failureThreshold: 3 }
  const [first, second, third] = workspace.servers
  if (!first || !second || !third) return
  const wanted: [string, string, string | null, string[], string[]][] = [
    ['shop', 'ghcr.io/northwind/shop', 'shop.example.com', [first.id, second.id, third.id], ['2.3.0', '2.3.1', '2.4.0']],
    ['docs', 'nginx', null, [first.id], ['1.27.2', '1.27.3']],
    ['billing-api', 'ghcr.io/northwind/billing', 'api.example.com', [second.id], ['0.9.4']],
  ]
  for (const [name, image, domain, serverIds, tags] of wanted) {
    const application = applications.create(workspace, { name, image, domain, serverIds, registryCredentialId: null, configuration: { port: 8080, healthCheck, environment: { LOG_LEVEL: 'info', REGION: 'eu-central' }, stopGraceSeconds: 30 } })
    const releases = tags.map((tag, index) => ({ id: world.id('rel'), number: index + 1, image: `${image}:${tag}`, digest: `sha256:${fingerprint(tag).slice(7).toLowerCase().replace(/[^a-f0-9]/g, '7').padEnd(64, 'c')}`, configuration: { ...application.configuration, environment: index ? application.configuration.environment : { LOG_LEVEL: 'debug' } }, createdAt: ago(60 * 24 * (tags.length - index)) })).reverse()
    const deployments = releases.map((release, index) => ({ id: world.id('dep'), releaseId: release.id, previousReleaseId: releases[index + 1]?.id ?? null, jobId: world.id('job'), strategy: 'standard' as const, status: name === 'billing-api' && index === 0 ? 'rolled_back' as const : 'succeeded' as const, reason: name === 'billing-api' ? 'GET /healthz answered 503 three times' : null, startedAt: ago(60 * 24 * (index + 1) - 60), endedAt: ago(60 * 24 * (index + 1) - 61) }))
    workspace.releases.set(application.id, releases)
    workspace.deployments.set(application.id, deployments)
    application.currentRelease = releases[0] ?? null
    application.latestDeployment = deployments[0] ?? null
    application.createdAt = ago(60 * 24 * 9)
    for (const id of serverIds) workspace.servers.find(server => server.id === id)?.applications.push(name)
  }
}

function addJobs(workspace: Workspace) {
  const application = workspace.applications[0]
  if (!application) return
  const id = world.id('job')
  workspace.jobs.push({
    id, organizationId: '', kind: 'application.deploy', target: application.id, title: `Deploy ${application.name} to 2.4.0`, status: 'succeeded', failure: null, cancelRequested: false, canUndo: false, dismissed: false,
    createdAt: ago(38), endedAt: ago(37.4), steps: ['pull:web-1', 'start:web-1', 'health:web-1', 'switch:web-1', 'drain:web-1', 'stop:web-1'].map(name => ({ name, status: 'done', progress: 1, startedAt: ago(38), endedAt: ago(37.9) })),
  })
  workspace.logs.set(id, ['Pulled ghcr.io/northwind/shop:2.4.0', 'Started shop-3', 'GET /healthz answered 200 in 12 ms', 'The proxy sends new requests to the new container'].map((text, index) => ({ number: index + 1, at: ago(38), step: 'deploy', text })))
}
