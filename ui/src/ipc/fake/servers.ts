import { type CheckResult, type Sample, type Server, type ServerRequest } from '../bindings.gen'
import { publish } from './event'
import { startJob, StepFailure } from './runner'
import { find, Refusal, type Workspace, world } from './world'

const GIB = 1024 ** 3
export const HOUR_OF_SAMPLES = 120
const CHECKS = ['connect', 'host_key', 'authenticate', 'facts', 'privileges', 'resources', 'docker'] as const

/** Puts a server down; it is pending until a verification says otherwise. */
export function addServer(workspace: Workspace, request: ServerRequest, stackId: string | null): Server {
  if (workspace.servers.some(server => server.name === request.name))
    throw new Refusal('already_exists', `there is a server \`${request.name}\` already`, 'choose another name')
  const server: Server = {
    id: world.id('srv'), ...request, hostKey: null, status: 'pending', checks: [], facts: null, stackId,
    createdAt: world.now(), latest: null, reachable: null, applications: [],
  }
  workspace.servers.push(server)
  return server
}

/**
 * Verifies a server; its name decides what goes wrong.
 *
 * A name with `dead` does not answer, `nodocker` has no Docker, `newkey`
 * presents another key than the pinned one, `nologin` refuses the key.
 */
export function verify(organizationId: string, workspace: Workspace, serverId: string): string {
  const server = find(workspace.servers, serverId)
  const set = (check: CheckResult) => {
    server.checks = [...server.checks.filter(other => other.check !== check.check), check]
    world.changed(organizationId, 'servers', server.id)
  }
  server.checks = []
  server.status = 'pending'
  return startJob(organizationId, workspace, {
    kind: 'server.verify',
    target: server.id,
    title: `Verify ${server.name}`,
    steps: CHECKS.map(check => ({
      name: check,
      async run({ log, wait }) {
        await wait(260)
        const failure = failureOf(server, check, workspace)
        if (failure) {
          set({ check, passed: false, detail: failure.message, hint: failure.hint })
          throw failure
        }
        const detail = learn(server, check)
        log(detail)
        set({ check, passed: true, detail, hint: null })
      },
    })),
    finished(outcome) {
      server.status = outcome === 'succeeded' ? 'ready' : 'failed'
      if (outcome === 'succeeded') {
        server.reachable = true
        seedSamples(workspace, server, 6)
      }
      else if (server.name.includes('dead')) {
        server.reachable = false
      }
      world.changed(organizationId, 'servers', server.id)
    },
  })
}

function failureOf(server: Server, check: CheckResult['check'], workspace: Workspace): StepFailure | null {
  if (check === 'connect' && server.name.includes('dead'))
    return new StepFailure('host_unreachable', `no answer from ${server.host}:${server.port} within 5 s`, 'check the address, the firewall and that the machine is on')
  if (check === 'host_key' && server.name.includes('newkey') && server.hostKey && workspace.presentedKeys.has(server.id))
    return new StepFailure('host_key_changed', `host key for \`${server.name}\` changed: it presents ${workspace.presentedKeys.get(server.id)?.fingerprint}`, 'compare the fingerprint with the provider\'s console before you accept it')
  if (check === 'authenticate' && server.name.includes('nologin'))
    return new StepFailure('host_authentication', `${server.host} refuses the key for \`${server.user}\``, 'add the public key to ~/.ssh/authorized_keys of that user')
  if (check === 'docker' && server.name.includes('nodocker'))
    return new StepFailure('docker_missing', 'there is no usable Docker', 'install Docker 20.10 or newer')
  return null
}

function learn(server: Server, check: CheckResult['check']): string {
  switch (check) {
    case 'connect': return `connected to ${server.host}:${server.port}`
    case 'host_key':
      server.hostKey ??= { algorithm: 'ssh-ed25519', fingerprint: fingerprint(server.id) }
      return `${server.hostKey.algorithm} ${server.hostKey.fingerprint}`
    case 'authenticate': return `logged in as ${server.user}`
    case 'facts':
      server.facts = { os: 'Debian GNU/Linux 12 (bookworm)', kernel: '6.1.0-26-amd64', architecture: 'x86_64', cores: 2, memoryBytes: 4 * GIB, diskBytes: 40 * GIB, docker: '27.3.1' }
      return 'Debian GNU/Linux 12, 2 cores, 4 GiB memory, 40 GiB disk'
    case 'privileges': return server.user === 'root' ? 'is root' : 'sudo without a password'
    case 'resources': return '31.4 GiB of disk and 3.1 GiB of memory are free'
    case 'docker': return 'Docker 27.3.1 answers'
  }
}

/** Makes a fingerprint that looks like OpenSSH's. */
export function fingerprint(seed: string) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  let state = [...seed].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) >>> 0, 7)
  let text = ''
  for (let index = 0; index < 43; index += 1) {
    state = (state * 1664525 + 1013904223) >>> 0
    text += alphabet[state % 64]
  }
  return `SHA256:${text}`
}

/** Fills the last `count` half minutes of a server's readings. */
export function seedSamples(workspace: Workspace, server: Server, count: number) {
  const list: Sample[] = []
  for (let index = count; index > 0; index -= 1) {
    if (server.name.endsWith('-3') && index > 30 && index < 42) continue
    list.push(sampleOf(server, Date.now() - index * 30_000, list.at(-1)))
  }
  workspace.samples.set(server.id, list)
  server.latest = list.at(-1) ?? null
}

/** The reading of one server at one instant: a slow wave, noise, and spikes. */
export function sampleOf(server: Server, at: number, before: Sample | undefined): Sample {
  const seed = [...server.id].reduce((sum, char) => sum + char.charCodeAt(0), 0)
  const base = 8 + (seed * 37) % 48
  const wave = Math.sin(at / 420_000 + seed) * 9 + Math.sin(at / 95_000 + seed * 2) * 5
  const cpu = clamp(base + wave + (Math.random() - 0.5) * 9 + (Math.random() > 0.985 ? 32 : 0), 0.4, 99)
  const cores = server.facts?.cores ?? 2
  const memoryTotal = server.facts?.memoryBytes ?? 4 * GIB
  const diskTotal = server.facts?.diskBytes ?? 40 * GIB
  const memoryShare = clamp(0.3 + ((seed * 13) % 45) / 100 + wave / 180, 0.1, 0.96)
  const diskShare = clamp(0.15 + ((seed * 29) % 76) / 100, 0.1, 0.95)
  const first = before === undefined
  return {
    serverId: server.id, at: new Date(at).toISOString(), cpuPercent: first ? null : cpu, load1: cpu / 100 * cores * 1.1, cores,
    memoryTotal, memoryUsed: memoryTotal * memoryShare, diskTotal, diskUsed: diskTotal * diskShare,
    diskReadRate: first ? null : Math.max(0, wave + 12) * 9_000 * Math.random(), diskWriteRate: first ? null : (cpu + 6) * 11_000 * (0.5 + Math.random()),
    netReceiveRate: first ? null : (cpu + 4) * 21_000 * (0.7 + Math.random() * 0.5), netSendRate: first ? null : (cpu + 4) * 52_000 * (0.7 + Math.random() * 0.5),
    uptimeSeconds: 86_400 * 12 + (at / 1000) % 86_400, containersRunning: 1 + server.applications.length,
  }
}

function clamp(value: number, low: number, high: number) {
  return Math.min(high, Math.max(low, value))
}

/** Takes a reading of every reachable server, spread over the interval as the real poller does. */
export function keepSampling() {
  for (const [organizationId, workspace] of world.all()) {
    const due = workspace.servers.filter(server => server.status === 'ready' && server.reachable !== false)
    const batch = due.length > 40 ? due.filter(() => Math.random() < 0.1) : due
    for (const server of batch) {
      const list = workspace.samples.get(server.id) ?? []
      const sample = sampleOf(server, Date.now(), list.at(-1))
      list.push(sample)
      if (list.length > HOUR_OF_SAMPLES * 2) list.shift()
      workspace.samples.set(server.id, list)
      server.latest = sample
      publish({ kind: 'sampled', organizationId, sample, reachable: true })
    }
  }
  setTimeout(keepSampling, 1600)
}
