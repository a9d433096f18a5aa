// What every journey needs: a cloud with its API, a registry, a display, and an empty
// data directory. `tests/journeys/src/lib.rs` is the same for journeys without a window.

import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { firstLine, run, start, stop } from './process.mjs'

/** The only token that the cloud takes: 64 letters and digits, as Hetzner's are. */
export const TOKEN = 'CANARYtokenCANARYtokenCANARYtokenCANARYtokenCANARYtokenCANARYtok'
/** What protects the vault. */
export const PASSPHRASE = 'CANARY correct horse battery staple'
/** In every secret of a journey, and in nothing else. */
export const CANARY = 'CANARY'
/** Where servers pull images from. */
export const REGISTRY = '10.77.0.1:5000'

const REPOSITORY = resolve(import.meta.dirname, '../../..')
const FLEET = join(REPOSITORY, 'tests/fleet/fleet.sh')
const SERVERS = 4

/** A cloud of our own with its API, and room for one installation of the program. */
export class World {
  #running = []

  /**
   * Sets a world up whose servers are numbered from `baseIndex` on, and takes it down
   * after the test. Indexes keep journeys apart: the machine has one fleet.
   */
  static async setUp(test, baseIndex) {
    if (process.getuid() !== 0) throw new Error('real servers need root')
    const world = new World()
    test.after(() => world.#takeDown())
    world.folder = mkdtempSync(join(tmpdir(), 'flightdeck-window-'))
    world.data = join(world.folder, 'data')
    world.home = join(world.folder, 'home')
    world.mirror = join(world.folder, 'mirror')
    world.baseIndex = baseIndex
    await Promise.all([world.#display(), world.#bus(), world.#cloud(), world.#registry()])
    world.#browser()
    return world
  }

  /** The environment of the program under test: the user's, without the user's files. */
  get environment() {
    const { LANG, LC_ALL, LC_CTYPE, LANGUAGE, WAYLAND_DISPLAY, ...own } = process.env
    const runtime = join(this.home, 'runtime')
    mkdirSync(runtime, { recursive: true, mode: 0o700 })
    return {
      ...own,
      HOME: this.home,
      XDG_RUNTIME_DIR: runtime,
      XDG_DATA_HOME: join(this.home, 'data'),
      XDG_CONFIG_HOME: join(this.home, 'config'),
      XDG_CACHE_HOME: join(this.home, 'cache'),
      DISPLAY: this.display,
      DBUS_SESSION_BUS_ADDRESS: this.bus,
      FLIGHTDECK_DATA_DIR: this.data,
      NO_AT_BRIDGE: '1',
      PATH: [join(this.home, 'bin'), own.PATH].join(delimiter),
    }
  }

  /** Where Terraform is told about the mirror. */
  get terraformConfig() {
    return join(this.mirror, 'terraform.rc')
  }

  /** The objects of the cloud, as `TYPE--ID`. */
  get cloud() {
    const folder = join(this.mirror, 'cloud')
    return existsSync(folder) ? readdirSync(folder).filter(name => name.includes('--')).map(name => name.replace(/\.json$/, '')) : []
  }

  /** Changes how the cloud behaves from now on. */
  editCloud(change) {
    const path = join(this.mirror, 'config.json')
    const settings = JSON.parse(readFileSync(path, 'utf8'))
    writeFileSync(path, JSON.stringify({ ...settings, ...change }))
  }

  /** Runs a verb of the fleet's script. */
  fleet(...args) {
    return run(FLEET, args.map(String))
  }

  /** Runs the command line program on this world's data. */
  cli(...args) {
    return run(binary('flightdeck'), args, { env: { ...this.environment, FLIGHTDECK_PASSPHRASE_FILE: this.secret('passphrase', PASSPHRASE) } })
  }

  /** Brings the installation to where a journey begins that is not about the first steps. */
  async install() {
    await this.cli('setup', '--organization', 'Example Hosting', '--user', 'Ada')
    const settings = { terraform_cli_config: this.terraformConfig, hetzner_endpoint: this.endpoint, proxy_image: `${REGISTRY}/haproxy:2.6`, sample_interval_seconds: '5', theme: 'light' }
    for (const [key, value] of Object.entries(settings)) await this.cli('settings', 'set', key, value)
    await this.cli('credential', 'add', 'hetzner', 'Hetzner', '--field-file', `token=${this.secret('token', TOKEN)}`)
    await this.cli('credential', 'test', 'Hetzner')
    await this.cli('credential', 'generate-ssh-key', 'web key')
  }

  /** Writes something secret to a file that is none of the program's. */
  secret(name, text) {
    const path = join(this.folder, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }

  /** Runs a command inside a server, without its SSH. */
  async inside(index, ...command) {
    const pid = (await this.fleet('pid', index)).trim()
    return await run('nsenter', ['-t', pid, '-m', '-u', '-n', '-p', ...command])
  }

  /** The addresses that the program opened in the browser. */
  get visited() {
    const path = join(this.home, 'visited')
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []
  }

  /** Every file that the program wrote and that has `text` in it. */
  async filesWith(text) {
    const found = await run('grep', ['-rlaF', '--', text, this.data, this.home]).catch((error) => {
      // grep says 1 for: nothing found.
      if (error.cause?.code === 1) return ''
      throw error
    })
    return found.split('\n').filter(Boolean)
  }

  async #display() {
    const server = start('Xvfb', ['-displayfd', '3', '-screen', '0', '1440x900x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
    this.#running.push(server)
    this.display = `:${await firstLine(server, server.stdio[3])}`
  }

  async #bus() {
    const daemon = start('dbus-daemon', ['--session', '--nofork', '--nopidfile', '--print-address=1'])
    this.#running.push(daemon)
    this.bus = await firstLine(daemon)
  }

  async #cloud() {
    await run(binary('terraform-provider-fleet'), ['mirror', this.mirror, '--token', TOKEN, '--fleet', FLEET, '--base-index', String(this.baseIndex)])
    const api = start(binary('hetzner-sim'), [], { env: { ...process.env, HETZNER_SIM_TOKEN: TOKEN } })
    this.#running.push(api)
    this.endpoint = await firstLine(api)
  }

  async #registry() {
    await run(join(REPOSITORY, 'tests/fleet/registry.sh'), ['up'])
    await run('python3', [join(REPOSITORY, 'tests/fleet/images/publish.py')])
    for (let index = this.baseIndex; index < this.baseIndex + SERVERS; index++) await this.fleet('destroy', index)
  }

  /** There is no browser here: what would open it writes the address down. */
  #browser() {
    const folder = join(this.home, 'bin')
    mkdirSync(folder, { recursive: true })
    const script = join(folder, 'xdg-open')
    writeFileSync(script, `#!/bin/sh\nprintf '%s\\n' "$1" >> '${join(this.home, 'visited')}'\n`)
    chmodSync(script, 0o755)
  }

  async #takeDown() {
    for (const child of this.#running.toReversed()) await stop(child)
    if (!this.folder) return
    if (existsSync(this.mirror)) await run(binary('terraform-provider-fleet'), ['destroy-servers', this.mirror])
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** A program of this workspace, built before. */
export function binary(name) {
  const target = process.env.CARGO_TARGET_DIR ?? join(process.env.FLIGHTDECK_CACHE ?? join(homedir(), '.cache/flightdeck'), 'target')
  const path = join(target, 'debug', name)
  if (!existsSync(path)) throw new Error(`\`${path}\` is not built: cargo build --workspace --bins --features flightdeck-desktop/custom-protocol`)
  return path
}

/** Asks an address as a visitor would: status and body. */
export async function visit(address) {
  const response = await fetch(address, { signal: AbortSignal.timeout(5_000) })
  return { status: response.status, body: (await response.text()).trim() }
}
