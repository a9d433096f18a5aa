// The program is killed in each phase of the main job, opened again, and goes on.
// Nothing is orphaned at the provider, and no container runs that the program does not know.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until, Window } from '../lib/window.mjs'
import { REGISTRY, visit, World } from '../lib/world.mjs'

const MINUTE = 60_000
const LONG = 2 * MINUTE
const BASE = 68
const ADDRESS = `http://10.77.0.${10 + BASE}/`
const ACTIVE = new Set(['queued', 'running', 'undoing'])

test('kill', { timeout: 12 * MINUTE }, async (t) => {
  const world = await World.setUp(t, BASE)
  await world.install()
  const window = await Window.open(t, world)
  await window.unlock()
  let broken = false
  const phase = (name, act) => t.test(name, async (phase) => {
    if (broken) return phase.skip('an earlier phase failed')
    broken = true
    await act()
    broken = false
  })

  await phase('while it plans', async () => {
    await window.press('@nav-provisioning')
    await window.press('@new-stack')
    await window.press('@wizard-next')
    await window.fill('@stack-name', 'web')
    await window.choose('@stack-region', 'fsn1')
    await window.choose('@stack-image', 'ubuntu-24.04')
    await window.press('@wizard-next')
    await killedAt(window, 'plan', () => window.press('@wizard-create'))
    assert.deepEqual(world.cloud, [], 'a plan changes nothing, however often it runs')
  })

  await phase('while it applies', async () => {
    world.editCloud({ delay_ms: { 'hcloud_server.create': 2500 } })
    await window.press('@nav-provisioning')
    await window.press('@stack-card')
    await killedAt(window, 'apply', () => window.press('@plan-approve'), () => world.cloud.some(one => one.startsWith('hcloud_network')))
    await window.press('@nav-provisioning')
    await window.press('@stack-card[data-status=completed]')
    assert.equal(world.cloud.filter(one => one.startsWith('hcloud_server--')).length, 1, 'no server was made twice')
    const organizationId = await organizationOf(window)
    const [{ id: stackId }] = await window.invoke('list_stacks', { organizationId })
    const { stateVersions: [newest] } = await window.invoke('get_stack', { organizationId, stackId })
    assert.equal(newest.resources, world.cloud.length, 'state and cloud agree')
  })

  await phase('while it verifies a server', async () => {
    await window.press('@nav-servers')
    await window.press('@server-link', { text: 'web-1' })
    await killedAt(window, 'verify', () => window.press('@server-verify'))
    await window.press('@nav-servers')
    await window.press('@server-link', { text: 'web-1' })
    await window.see('@server-health[data-health=up]')
  })

  await phase('while it deploys', async () => {
    await window.visit('/applications/new')
    await window.fill('@application-name', 'hello')
    await window.fill('@application-port', 8080)
    await window.fill('@application-image', `${REGISTRY}/hello:v1`)
    await window.choose('@application-servers', 'web-1')
    await window.fill('@application-health-path', '/health')
    await window.fill('@application-health-interval', 1)
    await killedAt(window, 'start:', () => window.press('@application-submit'))
    await serves(world, window, 'v1')
  })

  await phase('while it switches to a new version', async () => {
    await window.press('@nav-applications')
    await window.press('@application-link')
    await window.press('@deploy')
    await window.fill('@deploy-version', 'v2')
    await killedAt(window, 'switch:', () => window.press('@deploy-submit'))
    await serves(world, window, 'v2')
  })

  await phase('while it rolls back', async () => {
    await window.press('@nav-applications')
    await window.press('@application-link')
    await window.press('@release[data-number="1"] @roll-back')
    await killedAt(window, 'switch:', () => window.press('@roll-back-confirm'))
    await serves(world, window, 'v1')
  })

  await phase('while it destroys', async () => {
    await world.cli('app', 'remove', 'hello', '--confirm-name', 'hello')
    await window.press('@nav-provisioning')
    await window.press('@stack-card')
    await window.command('@stack-menu', 'Plan the destruction')
    world.editCloud({ delay_ms: { 'hcloud_server.delete': 2000 } })
    await window.press('@plan-approve', { within: LONG })
    await window.fill('@confirm-name', 'web')
    await killedAt(window, 'destroy', () => window.press('@confirm-submit'))
    assert.deepEqual(world.cloud, [], 'nothing is left at the provider')
    await window.press('@nav-provisioning')
    await window.see('@stack-card[data-status=destroyed]')
  })
})

/**
 * Starts a job, kills the program once the step whose name begins with `step` has begun
 * and before the job ends, opens it again, and waits until it has carried the job to its
 * end. A short step may be over when it is first seen; the job is still at work then.
 */
async function killedAt(window, step, begin, also = () => true) {
  const organizationId = await organizationOf(window)
  const before = new Set((await window.invoke('list_jobs', { organizationId })).map(job => job.id))
  await begin()
  const job = await until(`the step ${step}`, async () => {
    const jobs = await window.invoke('list_jobs', { organizationId })
    const fresh = jobs.find(job => !before.has(job.id))
    const begun = fresh?.steps.some(one => one.name.startsWith(step) && ['running', 'done'].includes(one.status))
    return also() && begun && ACTIVE.has(fresh.status) ? fresh : null
  }, LONG)
  await window.kill()
  await window.start()
  await window.unlock()
  const ended = await until('the job\'s end', async () => {
    const found = (await window.invoke('list_jobs', { organizationId })).find(one => one.id === job.id)
    return found && !ACTIVE.has(found.status) ? found : null
  }, LONG)
  assert.equal(ended.status, 'succeeded', `${ended.title}: ${JSON.stringify(ended.failure)}`)
}

/** Expects that one version serves, and that nothing else runs on the server. */
async function serves(world, window, version) {
  assert.deepEqual(await visit(ADDRESS), { status: 200, body: `hello ${version}` })
  const organizationId = await organizationOf(window)
  const [application] = await window.invoke('list_applications', { organizationId })
  const listed = await world.inside(BASE, 'docker', 'ps', '-a', '--format', '{{.Names}} {{.Label "deploy.release"}} {{.State}}')
  const own = listed.trim().split('\n').filter(line => !line.startsWith('deploy-proxy'))
  assert.equal(own.length, 1, `exactly one version is there: ${listed}`)
  assert.ok(own[0].includes(application.currentRelease.id) && own[0].endsWith('running'), `it is the current one: ${listed}`)
}

async function organizationOf(window) {
  const [{ id }] = await window.invoke('list_organizations')
  return id
}
