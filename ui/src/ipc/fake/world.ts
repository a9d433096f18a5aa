import {
  type Application, type AppStatus, type Catalog, type Code, type Credential, type Deployment, type HostKey, type IpcError,
  type Job, type JobLogLine, type Organization, type Release, type Run, type Sample, type Server, type Settings, type Stack,
  type StateVersion, type Topic,
} from '../bindings.gen'
import { publish } from './event'

/** A command that says no, with the code that the real host would use. */
export class Refusal extends Error {
  readonly wire: IpcError
  constructor(code: Code, message: string, hint: string | null = null, retry = false) {
    super(message)
    this.wire = { code, message, hint, retry, incident: Math.random().toString(16).slice(2, 10) }
  }
}

/** Everything that one organization owns. */
export interface Workspace {
  credentials: Credential[]
  servers: Server[]
  presentedKeys: Map<string, HostKey>
  samples: Map<string, Sample[]>
  stacks: Stack[]
  runs: Run[]
  states: Map<string, StateVersion[]>
  applications: Application[]
  releases: Map<string, Release[]>
  deployments: Map<string, Deployment[]>
  jobs: Job[]
  logs: Map<string, JobLogLine[]>
}

/** How the world begins; read from the address bar in a browser. */
export interface Scenario {
  fleet: 'empty' | 'some' | 'many'
  vault: 'absent' | 'locked' | 'open'
  keychain: boolean
  /** How many times faster than life it runs. */
  speed: number
  theme: Settings['theme']
  locale: string
}

export const CATALOG: Catalog = {
  regions: [
    { name: 'nbg1', description: 'Nuremberg, Germany' },
    { name: 'fsn1', description: 'Falkenstein, Germany' },
    { name: 'hel1', description: 'Helsinki, Finland' },
    { name: 'ash', description: 'Ashburn, VA, United States' },
  ],
  sizes: [
    ['cx23', 2, 4, 40, 'x86', 0.0056], ['cx33', 4, 8, 80, 'x86', 0.0088], ['cx43', 8, 16, 160, 'x86', 0.0152],
    ['cax11', 2, 4, 40, 'arm', 0.006], ['cax21', 4, 8, 80, 'arm', 0.0104], ['ccx13', 2, 8, 80, 'x86', 0.0208], ['ccx23', 4, 16, 160, 'x86', 0.0392],
  ].map(([name, cores, memoryGb, diskGb, architecture, price]) => ({
    name: String(name), cores: Number(cores), memoryGb: Number(memoryGb), diskGb: Number(diskGb), architecture: String(architecture),
    hourlyPrice: { nbg1: Number(price), fsn1: Number(price), hel1: Number(price), ash: Number(price) * 1.15 }, currency: 'EUR',
  })),
  images: ['ubuntu-24.04', 'ubuntu-22.04', 'debian-12', 'debian-13'],
}

/** The state of the simulated installation, and its clock. */
class World {
  scenario: Scenario = { fleet: 'some', vault: 'open', keychain: true, speed: 1, theme: 'system', locale: 'en' }
  status!: AppStatus
  settings!: Settings
  passphrase: string | null = null
  organizations: Organization[] = []
  private workspaces = new Map<string, Workspace>()
  private counter = 0
  private timers = new Set<ReturnType<typeof setTimeout>>()

  reset(scenario: Partial<Scenario>) {
    for (const timer of this.timers) clearTimeout(timer)
    this.timers.clear()
    this.scenario = { fleet: 'some', vault: 'open', keychain: true, speed: 1, theme: 'system', locale: 'en', ...scenario }
    const { vault, keychain, theme, locale } = this.scenario
    this.status = {
      version: '0.1.0',
      dataDirectory: '/home/ada/.local/share/flightdeck',
      vault,
      protection: vault === 'absent' ? null : keychain ? 'keychain' : 'passphrase',
      keychainProblem: keychain ? null : 'no secret service answers on the session bus',
      userName: vault === 'absent' ? null : 'Ada Weber',
      modulesDirectory: '/usr/lib/flightdeck/terraform-modules',
    }
    this.settings = {
      theme, locale, fontSize: 16, sampleIntervalSeconds: 30, terraformPath: '', terraformCliConfig: '', modulesPath: '',
      proxyImage: 'haproxy:3.0', hetznerEndpoint: 'https://api.hetzner.cloud/v1',
    }
    this.passphrase = keychain ? null : 'correct horse'
    this.organizations = []
    this.workspaces.clear()
  }

  id(prefix: string) {
    this.counter += 1
    return `${prefix}_${this.counter.toString(36).padStart(6, '0')}`
  }

  now() {
    return new Date().toISOString()
  }

  pause(milliseconds: number) {
    return new Promise<void>(resolve => this.later(milliseconds, resolve))
  }

  later(milliseconds: number, then: () => void) {
    const timer = setTimeout(() => {
      this.timers.delete(timer)
      then()
    }, milliseconds / this.scenario.speed)
    this.timers.add(timer)
  }

  changed(organizationId: string | null, topic: Topic, id: string | null = null) {
    publish({ kind: 'changed', organizationId, topic, id })
  }

  add(organization: Organization, workspace: Workspace = emptyWorkspace()) {
    this.organizations.push(organization)
    this.workspaces.set(organization.id, workspace)
    return organization
  }

  /** Returns what `organizationId` owns, if the vault is open. */
  of(organizationId: string): Workspace {
    this.requireOpen()
    const workspace = this.workspaces.get(organizationId)
    if (!workspace) throw new Refusal('not_found', `no organization \`${organizationId}\``)
    return workspace
  }

  requireOpen() {
    if (this.status.vault === 'absent') throw new Refusal('vault_absent', 'there is no vault yet', 'set it up first')
    if (this.status.vault === 'locked') throw new Refusal('vault_locked', 'the vault is locked', 'unlock it first', true)
  }

  all() {
    return [...this.workspaces.entries()]
  }
}

export function emptyWorkspace(): Workspace {
  return {
    credentials: [], servers: [], presentedKeys: new Map(), samples: new Map(), stacks: [], runs: [], states: new Map(),
    applications: [], releases: new Map(), deployments: new Map(), jobs: [], logs: new Map(),
  }
}

/** Returns the one of `list` called `id`, or refuses as the real host would. */
export function find<T extends { id: string }>(list: readonly T[], id: string): T {
  const found = list.find(item => item.id === id)
  if (!found) throw new Refusal('not_found', `nothing is called \`${id}\` here`)
  return found
}

export const world = new World()
