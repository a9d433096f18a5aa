// The main job: from a cloud credential to a running application, back, and gone.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { argumentsOf } from '../lib/process.mjs'
import { Key, until, Window } from '../lib/window.mjs'
import { CANARY, PASSPHRASE, REGISTRY, TOKEN, visit, World } from '../lib/world.mjs'

const MINUTE = 60_000
const LONG = 2 * MINUTE
const FAILED = '@jobs-drawer @failure'

test('main job', { timeout: 12 * MINUTE }, async (t) => {
  const world = await World.setUp(t, 60)
  const window = await Window.open(t, world)
  await firstRun(window)
  await settings(window, world)
  await credential(window)
  await stack(window, world)
  const address = await server(window)
  await application(window, world, address)
  await everyScreen(window)
  await removal(window, world)
  await noSecretIsLeft(window, world)
  assert.equal(window.barriers.join('\n'), '', 'every screen can be used by everybody')
})

async function firstRun(window) {
  await window.see('@setup')
  await window.press('@setup-protection label', { text: 'A passphrase' })
  await window.see('@setup-passphrase')
  await window.accessible('first run')
  await window.press('@setup-next')
  await window.see('@setup', { text: 'At least 12 characters' })
  await window.fill('@setup-passphrase', PASSPHRASE)
  await window.fill('@setup-passphrase-repeat', PASSPHRASE)
  await window.press('@setup-next')
  await window.fill('@setup-user', 'Ada')
  await window.fill('@setup-organization', 'Example Hosting')
  await window.accessible('first run, names')
  await window.press('@setup-next')
  await window.see('@setup-first-cloud')
  await window.accessible('first run, first step')
  await window.press('@setup-first-look')
  await window.see('@checklist')
  await window.accessible('overview, empty')
}

async function settings(window, world) {
  await window.press('@nav-settings')
  await window.see('@theme')
  await window.accessible('settings, general')
  await window.press('@settings-engine')
  await window.see('@terraform', { text: '/terraform' })
  await window.fill('@setting-terraformCliConfig', world.terraformConfig)
  await window.fill('@setting-hetznerEndpoint', world.endpoint)
  await window.press('@settings-save')
  await window.see('[role=status]', { text: 'Saved' })
  await window.accessible('settings, engine')
  await window.press('@settings-monitoring')
  await window.fill('@setting-proxy', `${REGISTRY}/haproxy:2.6`)
  await window.fill('@setting-interval', '5')
  await window.press('@settings-save')
  await window.see('[role=status]', { text: 'Saved' })
  await window.accessible('settings, monitoring')
  const { terraformCliConfig, hetznerEndpoint, proxyImage, sampleIntervalSeconds } = await window.invoke('get_settings')
  assert.deepEqual(
    { terraformCliConfig, hetznerEndpoint, proxyImage, sampleIntervalSeconds },
    { terraformCliConfig: world.terraformConfig, hetznerEndpoint: world.endpoint, proxyImage: `${REGISTRY}/haproxy:2.6`, sampleIntervalSeconds: 5 },
  )
}

async function credential(window) {
  await window.press('@settings-credentials')
  await window.press('@add-credential')
  await window.see('@credential-form')
  await window.accessible('credential form')
  await window.fill('@credential-token', TOKEN.replace('CANARY', 'WRONGX'))
  await window.press('@credential-save')
  await window.see('@credential[data-state=invalid]')
  await window.accessible('settings, a refused credential')
  await window.press('@credential-remove')
  await window.press('@confirm-submit')
  await window.gone('@credential')
  await window.press('@add-credential')
  await window.fill('@credential-name', 'Hetzner')
  await window.fill('@credential-token', TOKEN)
  await window.press('@credential-save')
  await window.see('@credential[data-state=valid]')
  await window.accessible('settings, credentials')
  assert.ok(!(await window.everything()).includes(CANARY), 'a saved secret is nowhere in the page')
}

async function stack(window, world) {
  await window.press('@nav-provisioning')
  await window.see('main', { text: 'No stack yet' })
  await window.accessible('provisioning, empty')
  await window.press('@new-stack')
  await window.see('@wizard-credential')
  await window.accessible('wizard, provider')
  await window.press('@wizard-next')
  await window.fill('@stack-name', 'web')
  await window.choose('@stack-region', 'fsn1')
  await window.choose('@stack-image', 'ubuntu-24.04')
  await window.press('@stack-size label', { text: 'cx23' })
  await window.press('@stack-add-key')
  await window.fill('@credential-name', 'web key')
  await window.press('@credential-save')
  await window.see('@stack-key', { text: 'web key' })
  await window.accessible('wizard, configure')
  await window.press('@wizard-next')
  await window.see('@wizard-review', { text: 'cx23' })
  await window.accessible('wizard, review')
  await window.press('@wizard-create')

  await window.see('@plan', { within: LONG, unless: FAILED })
  await window.see('@plan-count-create')
  await window.see('@plan', { text: 'hcloud_server' })
  assert.deepEqual(world.cloud, [], 'a plan changes nothing')
  await window.accessible('plan')
  await window.picture('plan')
  await window.press('@plan-approve')
  await window.see('@run[data-operation=apply]')
  await window.see('@resource[data-state=done]', { within: LONG, unless: FAILED })
  await window.accessible('apply')
  await window.picture('apply')
  for (const pid of window.children) assert.ok(!argumentsOf(pid)?.join(' ').includes(CANARY), 'no secret is an argument')
  await window.see('@stack-status[data-status=completed]', { within: LONG, unless: FAILED })
  await window.accessible('stack')
  await window.picture('stack')
}

async function server(window) {
  await window.press('@nav-servers')
  await window.see('@server-link', { text: 'web-1' })
  const first = await lastReading(window)
  await until('another reading in the list', async () => await lastReading(window) !== first, LONG)
  await window.accessible('servers')
  await window.press('@server-link', { text: 'web-1' })
  await window.see('@server-health[data-health=up]')
  for (const check of ['connect', 'host_key', 'authenticate', 'facts', 'privileges', 'resources', 'docker']) {
    await window.see(`@check-${check}[data-passed=true]`)
  }
  await window.see('@server-charts canvas', { within: LONG })
  await window.accessible('server')
  await window.picture('server')
  const [{ host }] = await window.invoke('list_servers', { organizationId: await organizationOf(window) })
  await window.keys(Key.ESCAPE)
  await window.gone('[role=dialog]')
  return `http://${host}/`
}

async function application(window, world, address) {
  await window.press('@nav-applications')
  await window.see('main', { text: 'No application yet' })
  await window.accessible('applications, empty')
  await window.press('@new-application')
  await window.fill('@application-name', 'hello')
  await window.fill('@application-port', 8080)
  await window.fill('@application-image', `${REGISTRY}/hello:v1`)
  await window.choose('@application-servers', 'web-1')
  await window.fill('@application-health-path', '/health')
  await window.fill('@application-health-interval', 1)
  await window.accessible('application form')
  await window.press('@application-submit')
  await window.see('@deployment[data-status=running]')
  await window.accessible('deployment')
  await window.picture('deployment')
  await serves(window, address, 'v1')
  await window.accessible('application')

  await window.press('@open-address')
  await until('the address in the browser', () => world.visited.length)
  assert.deepEqual(world.visited, [await window.text('@address')])
  assert.deepEqual(await visit(world.visited[0]), { status: 200, body: 'hello v1' })

  await window.press('@deploy')
  await window.see('@deploy-form')
  await window.accessible('deploy form')
  await window.fill('@deploy-version', 'v2')
  await window.press('@deploy-submit')
  await serves(window, address, 'v2')

  await window.press('@release[data-number="1"] @roll-back')
  await window.see('@roll-back-confirm')
  await window.accessible('roll back')
  await window.press('@roll-back-confirm')
  await serves(window, address, 'v1')
  await window.accessible('application, rolled back')
}

/** Waits until the window says that a version runs, and asks the server whether it does. */
async function serves(window, address, version) {
  await window.see('@current-version', { text: version, within: LONG, unless: FAILED })
  await window.gone('@deployment[data-status=running]', { within: LONG })
  assert.deepEqual(await visit(address), { status: 200, body: `hello ${version}` })
}

/** The screens that the job itself does not pass. */
async function everyScreen(window) {
  await window.press('@nav-overview')
  await window.see('@concerns')
  await window.accessible('overview')
  for (const theme of ['light', 'dark']) {
    await window.light(theme)
    await window.picture(`overview-${theme}`)
  }
  for (const [page, seen] of [['provisioning', '@stack-card'], ['applications', '@application-link']]) {
    await window.press(`@nav-${page}`)
    await window.see(seen)
    await window.accessible(page)
  }
  await window.press('@nav-settings')
  for (const [section, seen] of [['organization', '@organization-form'], ['vault', 'main'], ['about', '@about']]) {
    await window.press(`@settings-${section}`)
    await window.see(seen)
    await window.accessible(`settings, ${section}`)
  }
  await window.press('@open-palette')
  await window.see('@palette')
  await window.accessible('command palette')
  await window.keys(Key.ESCAPE)
  await window.gone('@palette')
  await window.keys('?')
  await window.see('@shortcuts')
  await window.accessible('shortcuts')
  await window.keys(Key.ESCAPE)
  await window.gone('@shortcuts')
  await window.press('@workspace-switcher')
  await window.see('@organization-tree')
  await window.accessible('workspace switcher')
  await window.keys(Key.ESCAPE)
  await window.gone('@organization-tree')
  await window.press('@toggle-jobs')
  await window.see('@job')
  await window.accessible('jobs')
  await window.press('@close-jobs')
  await window.press('@lock-vault')
  await window.see('@locked')
  await window.accessible('locked')
  await window.fill('@unlock-passphrase', 'not the passphrase')
  await window.press('@unlock')
  await window.see('@failure[data-code=wrong_passphrase]')
  await window.accessible('locked, a wrong passphrase')
  await window.fill('@unlock-passphrase', PASSPHRASE)
  await window.press('@unlock')
  await window.see('@sidebar')
}

async function removal(window, world) {
  await window.press('@nav-applications')
  await window.press('@application-link', { text: 'hello' })
  await window.command('@application-menu', 'Remove')
  await window.see('@confirm-form')
  await window.accessible('removal of an application')
  await window.fill('@confirm-name', 'hello')
  await window.press('@confirm-submit')
  await window.gone('@confirm-form')
  await window.gone('@application-link', { text: 'hello', within: LONG })

  await window.press('@nav-provisioning')
  await window.press('@stack-card')
  await window.command('@stack-menu', 'Plan the destruction')
  await window.see('@plan[data-operation=plan_destroy]', { within: LONG, unless: FAILED })
  await window.accessible('plan to destroy')
  await window.press('@plan-approve')
  await window.see('@confirm-form', { text: 'web-1' })
  await window.fill('@confirm-name', 'wrong')
  await window.press('@confirm-submit')
  await window.see('@confirm-form', { text: 'That is not the name' })
  await window.accessible('destruction of a stack')
  await window.fill('@confirm-name', 'web')
  await window.press('@confirm-submit')
  await window.see('@stack-status[data-status=destroyed]', { within: LONG, unless: FAILED })
  await window.accessible('a destroyed stack')
  assert.deepEqual(world.cloud, [], 'nothing is left at the provider')
}

async function noSecretIsLeft(window, world) {
  assert.ok(!(await window.everything()).includes(CANARY), 'no secret is in the page')
  await window.close()
  assert.deepEqual(await world.filesWith(CANARY), [], 'no secret is in a file')
}

async function lastReading(window) {
  return await window.execute('return document.querySelector(\'[data-testid="servers-table"] tbody time\')?.dateTime ?? null')
}

async function organizationOf(window) {
  const [{ id }] = await window.invoke('list_organizations')
  return id
}
