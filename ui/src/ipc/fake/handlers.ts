import { type commands, type Credential, type Organization, type Provider, type ProviderForm } from '../bindings.gen'
import * as applications from './applications'
import { cancelJob, retryJob, tell } from './runner'
import { credential, organization, seed } from './seed'
import { addServer, HOUR_OF_SAMPLES, keepSampling, verify } from './servers'
import * as stacks from './stacks'
import { CATALOG, find, Refusal, type Scenario, world } from './world'

type Data<T> = T extends Promise<infer Result> ? (Result extends { status: 'ok', data: infer Value } ? Value : never) : never

/** The commands of the real host, each without its envelope. */
type Handlers = { [Name in keyof typeof commands]: (...args: Parameters<(typeof commands)[Name]>) => Data<ReturnType<(typeof commands)[Name]>> | Promise<Data<ReturnType<(typeof commands)[Name]>>> }

const FORMS: ProviderForm[] = [
  { provider: 'hetzner', fields: [{ name: 'token', secret: true, required: true }] },
  { provider: 'ssh_key', fields: [{ name: 'private_key', secret: true, required: true }, { name: 'public_key', secret: false, required: false }] },
  { provider: 'registry', fields: [{ name: 'server', secret: false, required: true }, { name: 'user', secret: false, required: true }, { name: 'password', secret: true, required: true }] },
]

/** The simulated host's answer to every command. */
export const handlers: Handlers = {
  getAppStatus: () => world.status,
  setUp({ protection, passphrase, userName, organizationName }) {
    if (world.status.vault !== 'absent') throw new Refusal('wrong_state', 'this installation is set up already')
    if (protection === 'keychain' && world.status.keychainProblem) throw new Refusal('keychain_unavailable', world.status.keychainProblem, 'protect the vault by a passphrase', true)
    if (protection === 'passphrase' && (passphrase ?? '').length < 12) throw new Refusal('invalid_input', 'the passphrase has fewer than 12 characters')
    Object.assign(world.status, { vault: 'open', protection, userName })
    world.passphrase = passphrase
    const made = world.add(organization(organizationName, 'top_branch', null, 0, null, 'owner'))
    world.changed(null, 'vault')
    world.changed(null, 'organizations')
    return made
  },
  async unlockVault(passphrase) {
    await world.pause(400)
    if (world.status.protection === 'passphrase' && passphrase !== world.passphrase) throw new Refusal('wrong_passphrase', 'the passphrase does not open the vault')
    world.status.vault = 'open'
    world.changed(null, 'vault')
    return null
  },
  lockVault() {
    world.status.vault = 'locked'
    world.changed(null, 'vault')
    return null
  },
  findTerraform() {
    if (world.settings.terraformPath.includes('missing')) throw new Refusal('terraform_missing', `there is no program at ${world.settings.terraformPath}`, 'install Terraform or OpenTofu 1.5 or newer, or set its path')
    if (world.settings.terraformPath.includes('old')) throw new Refusal('terraform_too_old', 'Terraform 1.3.9 is too old', 'install 1.5 or newer')
    return { path: world.settings.terraformPath || '/usr/bin/terraform', product: 'Terraform', version: '1.11.4' }
  },
  getSettings: () => world.settings,
  updateSettings(settings) {
    if (settings.sampleIntervalSeconds < 5 || settings.sampleIntervalSeconds > 300) throw new Refusal('invalid_input', `\`sample_interval_seconds\` is ${settings.sampleIntervalSeconds}; it must be from 5 to 300`)
    world.settings = settings
    world.changed(null, 'settings')
    return settings
  },

  listOrganizations() {
    world.requireOpen()
    return world.organizations
  },
  createOrganization({ name, kind, parentId, color }) {
    const parent = world.organizations.find(other => other.id === parentId)
    const made = world.add(organization(name, kind, parentId, parent ? parent.level + 1 : 0, color, 'owner'))
    world.changed(null, 'organizations')
    return made
  },
  updateOrganization(id, { name, color }) {
    const found = find(world.organizations, id)
    Object.assign(found, { name, color })
    world.changed(id, 'organizations', id)
    return found
  },
  archiveOrganization(id) {
    const found = find(world.organizations, id)
    if (world.organizations.some(other => other.parentId === id && !other.archivedAt)) throw new Refusal('in_use', `\`${found.name}\` still has clients below it`, 'archive those first')
    found.archivedAt = world.now()
    world.changed(id, 'organizations', id)
    return found
  },
  getStylesheet: id => `:root { --organization-color: ${find(world.organizations, id).color}; }`,

  listProviderForms: () => FORMS,
  listCredentials: id => world.of(id).credentials,
  createCredential(id, { name, provider, fields }) {
    const workspace = world.of(id)
    const token = fields.token ?? ''
    if (provider === 'hetzner' && !/^[A-Za-z0-9]{64}$/.test(token.trim())) throw new Refusal('invalid_input', '`token` is not a Hetzner API token: those have 64 letters and digits')
    if (provider === 'ssh_key' && !(fields.private_key ?? '').includes('PRIVATE KEY')) throw new Refusal('ssh_key_unusable', '`private_key` is not a private key', 'paste the whole file, with its first and last line')
    return keep(id, workspace.credentials, credential(name, provider, token || (fields.password ?? ''), publicFieldsOf(provider, fields)))
  },
  generateSshKey: (id, name) => keep(id, world.of(id).credentials, credential(name, 'ssh_key', '', { public_key: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0Zk9S7rV4Yw2m1 ${name}` })),
  async testCredential(id, credentialId) {
    const found = find(world.of(id).credentials, credentialId)
    await world.pause(500)
    found.status = found.name.includes('bad') ? { state: 'invalid', at: world.now(), reason: 'the provider answered 401: unable to authenticate' } : { state: 'valid', at: world.now() }
    world.changed(id, 'credentials', credentialId)
    return found
  },
  deleteCredential(id, credentialId) {
    const workspace = world.of(id)
    const users = [...workspace.stacks.filter(stack => [stack.credentialId, stack.sshCredentialId].includes(credentialId)), ...workspace.servers.filter(server => server.credentialId === credentialId)].map(user => user.name)
    if (users.length) throw new Refusal('in_use', `${users.length} still use it: ${users.slice(0, 3).join(', ')}${users.length > 3 ? '…' : ''}`, 'give them another credential first')
    workspace.credentials = workspace.credentials.filter(other => other.id !== credentialId)
    world.changed(id, 'credentials', credentialId)
    return null
  },
  async getCatalog(id, credentialId) {
    const found = find(world.of(id).credentials, credentialId)
    await world.pause(250)
    if (found.name.includes('bad')) throw new Refusal('credential_refused', 'the provider answered 401', 'put in a fresh token with read and write access')
    return CATALOG
  },

  listServers: id => world.of(id).servers,
  registerServer(id, request) {
    const workspace = world.of(id)
    const server = addServer(workspace, request, null)
    const jobId = verify(id, workspace, server.id)
    world.changed(id, 'servers', server.id)
    return { server, jobId }
  },
  updateServer(id, serverId, request) {
    const server = Object.assign(find(world.of(id).servers, serverId), request)
    world.changed(id, 'servers', serverId)
    return server
  },
  verifyServer: (id, serverId) => verify(id, world.of(id), serverId),
  acceptHostKey(id, serverId, fingerprint) {
    const workspace = world.of(id)
    const server = find(workspace.servers, serverId)
    const presented = workspace.presentedKeys.get(serverId)
    if (presented?.fingerprint !== fingerprint) throw new Refusal('host_key_changed', 'the server presents yet another key', 'verify it again and compare')
    server.hostKey = presented
    workspace.presentedKeys.delete(serverId)
    world.changed(id, 'servers', serverId)
    return server
  },
  removeServer(id, serverId) {
    const workspace = world.of(id)
    const server = find(workspace.servers, serverId)
    if (server.applications.length) throw new Refusal('in_use', `${server.applications.join(', ')} still run on \`${server.name}\``, 'remove or move them first')
    workspace.servers = workspace.servers.filter(other => other.id !== serverId)
    world.changed(id, 'servers', serverId)
    return null
  },
  listSamples: (id, serverId, minutes) => (world.of(id).samples.get(serverId) ?? []).filter(sample => Date.now() - Date.parse(sample.at) < minutes * 60_000).slice(-HOUR_OF_SAMPLES * 8),
  getMetricsChart: (id, serverId, minutes, dark) => `<svg xmlns="http://www.w3.org/2000/svg" width="640" height="360"><rect width="640" height="360" fill="${dark ? '#111' : '#fff'}"/><text x="24" y="40">${find(world.of(id).servers, serverId).name}: ${minutes} min</text></svg>`,

  listStacks: id => world.of(id).stacks,
  getStack(id, stackId) {
    const workspace = world.of(id)
    return { stack: find(workspace.stacks, stackId), runs: workspace.runs.filter(run => run.stackId === stackId), stateVersions: workspace.states.get(stackId) ?? [] }
  },
  createStack(id, request) {
    const workspace = world.of(id)
    if (workspace.stacks.some(stack => stack.name === request.name)) throw new Refusal('already_exists', `there is a stack \`${request.name}\` already`, 'choose another name')
    const stack = { id: world.id('stk'), ...request, status: 'pending' as const, createdAt: world.now(), latestRun: null, servers: [], hourlyPrice: null }
    workspace.stacks.push(stack)
    world.changed(id, 'stacks', stack.id)
    return stack
  },
  updateStack(id, stackId, inputs) {
    const stack = find(world.of(id).stacks, stackId)
    stack.inputs = inputs
    world.changed(id, 'stacks', stackId)
    return stack
  },
  planStack: (id, stackId, destroy) => stacks.plan(id, world.of(id), stackId, destroy),
  applyPlan: (id, stackId, runId, confirmName) => stacks.apply(id, world.of(id), stackId, runId, confirmName),
  discardPlan(id, stackId, runId) {
    const workspace = world.of(id)
    const stack = find(workspace.stacks, stackId)
    find(workspace.runs, runId).decided = true
    stack.status = workspace.states.get(stackId)?.[0]?.resources ? 'completed' : 'pending'
    world.changed(id, 'stacks', stackId)
    return stack
  },
  deleteStack(id, stackId) {
    const workspace = world.of(id)
    const stack = find(workspace.stacks, stackId)
    if (!['pending', 'destroyed'].includes(stack.status)) throw new Refusal('wrong_state', `\`${stack.name}\` still has resources`, 'destroy it first')
    workspace.stacks = workspace.stacks.filter(other => other.id !== stackId)
    world.changed(id, 'stacks', stackId)
    return null
  },

  listApplications: id => world.of(id).applications,
  getApplication(id, applicationId) {
    const workspace = world.of(id)
    return { application: find(workspace.applications, applicationId), releases: workspace.releases.get(applicationId) ?? [], deployments: workspace.deployments.get(applicationId) ?? [] }
  },
  createApplication(id, request) {
    const made = applications.create(world.of(id), request)
    world.changed(id, 'applications', made.id)
    return made
  },
  updateApplication(id, applicationId, request) {
    const workspace = world.of(id)
    const found = find(workspace.applications, applicationId)
    const { image, domain, registryCredentialId, configuration } = request
    Object.assign(found, { image, domain, registryCredentialId, configuration, servers: applications.placed(workspace, request) })
    world.changed(id, 'applications', applicationId)
    return found
  },
  deployApplication: (id, applicationId, image) => applications.deploy(id, world.of(id), applicationId, image),
  rollBackApplication: (id, applicationId, releaseId) => applications.rollBack(id, world.of(id), applicationId, releaseId),
  removeApplication: (id, applicationId, confirmName) => applications.remove(id, world.of(id), applicationId, confirmName),
  getContainerLog(id, applicationId, serverId, lines) {
    const workspace = world.of(id)
    const application = find(workspace.applications, applicationId)
    const server = find(workspace.servers, serverId)
    return Array.from({ length: Math.min(lines, 60) }, (_, index) => `${new Date(Date.now() - (60 - index) * 4_000).toISOString()} ${index % 11 === 7 ? 'WARN slow query 412 ms' : `INFO ${server.host} GET /${['', 'healthz', 'assets/app.js', 'cart'][index % 4]} 200 ${3 + index % 9} ms`} ${application.name}`).join('\n')
  },
  openAddress: () => null,

  listJobs: id => world.of(id).jobs.filter(job => !job.dismissed).map(job => ({ ...job, organizationId: id })),
  listJobLog: (id, jobId, after) => (world.of(id).logs.get(jobId) ?? []).filter(line => line.number > after),
  cancelJob(id, jobId) {
    cancelJob(world.of(id), jobId)
    return null
  },
  retryJob(id, jobId) {
    retryJob(world.of(id), jobId)
    return null
  },
  undoJob(id, jobId) {
    tell(find(world.of(id).jobs, jobId))
    return null
  },
  dismissJob(id, jobId) {
    const job = find(world.of(id).jobs, jobId)
    job.dismissed = true
    tell(job)
    return null
  },
}

function keep(organizationId: string, list: Credential[], made: Credential): Credential {
  if (list.some(other => other.name === made.name)) throw new Refusal('already_exists', `there is a credential \`${made.name}\` already`, 'choose another name')
  list.push(made)
  world.changed(organizationId, 'credentials', made.id)
  return made
}

function publicFieldsOf(provider: Provider, fields: Partial<Record<string, string>>): Record<string, string> {
  const shown = FORMS.find(form => form.provider === provider)?.fields.filter(field => !field.secret) ?? []
  return Object.fromEntries(shown.flatMap(({ name }) => fields[name] ? [[name, fields[name]]] : []))
}

/** Starts over, for a test. */
export function resetHost(scenario: Partial<Scenario>) {
  seed(scenario)
}

/** Lets a test play a person with fewer rights. */
export function grant(organizationId: string, permissions: string[]): Organization {
  return Object.assign(find(world.organizations, organizationId), { permissions })
}

/** Reads the scenario from an address such as `?fleet=many&vault=locked`. */
export function scenarioOf(query: URLSearchParams): Partial<Scenario> {
  const pick = <T extends string>(name: string, allowed: readonly T[]) => allowed.find(value => value === query.get(name))
  const scenario: Partial<Scenario> = { keychain: query.get('keychain') !== 'no', speed: Number(query.get('speed') ?? 1), locale: query.get('locale') ?? 'en' }
  const [fleet, vault, theme] = [pick('fleet', ['empty', 'some', 'many']), pick('vault', ['absent', 'locked', 'open']), pick('theme', ['system', 'light', 'dark'])]
  return { ...scenario, ...(fleet && { fleet }), ...(vault && { vault }), ...(theme && { theme }) }
}

seed(scenarioOf(new URLSearchParams(globalThis.location?.search ?? '')))
if (import.meta.env.MODE === 'fake') keepSampling()
