// The main job without a pointer.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Keyboard } from '../lib/keyboard.mjs'
import { Key, until, Window } from '../lib/window.mjs'
import { PASSPHRASE, REGISTRY, TOKEN, visit, World } from '../lib/world.mjs'

const MINUTE = 60_000
const LONG = 2 * MINUTE
const BASE = 64
const FAILED = '@jobs-drawer @failure'

test('keyboard', { timeout: 12 * MINUTE }, async (t) => {
  const world = await World.setUp(t, BASE)
  const window = await Window.open(t, world)
  const keyboard = new Keyboard(window)

  await keyboard.to('@setup-protection')
  await until('the passphrase to be asked for', async () => {
    await keyboard.keys(Key.ARROW_DOWN)
    return await window.shows('@setup-passphrase')
  })
  await keyboard.type('@setup-passphrase', PASSPHRASE)
  await keyboard.type('@setup-passphrase-repeat', PASSPHRASE)
  await keyboard.keys(Key.ENTER)
  await keyboard.type('@setup-user', 'Ada')
  await keyboard.type('@setup-organization', 'Example Hosting')
  await keyboard.keys(Key.ENTER)
  await keyboard.press('@setup-first-look')
  await window.see('@checklist')

  await keyboard.go('ge', '@theme')
  await keyboard.press('@settings-engine')
  await keyboard.type('@setting-terraformCliConfig', world.terraformConfig)
  await keyboard.type('@setting-hetznerEndpoint', world.endpoint)
  await keyboard.keys(Key.ENTER)
  await window.see('[role=status]', { text: 'Saved' })
  await keyboard.press('@settings-monitoring')
  await keyboard.type('@setting-proxy', `${REGISTRY}/haproxy:2.6`)
  await keyboard.keys(Key.ENTER)
  await window.see('[role=status]', { text: 'Saved' })

  await keyboard.palette('add a cred', 'Add a credential')
  await keyboard.type('@credential-token', TOKEN)
  await keyboard.keys(Key.ENTER)
  await window.see('@credential[data-state=valid]')

  await keyboard.go('ns', '@wizard-credential')
  await keyboard.press('@wizard-next')
  await keyboard.type('@stack-name', 'web')
  await keyboard.choose('@stack-region', 'fsn1')
  await keyboard.choose('@stack-image', 'ubuntu-24.04')
  await keyboard.press('@stack-add-key')
  await keyboard.press('@credential-save')
  await window.gone('@credential-form')
  await keyboard.press('@wizard-next')
  await keyboard.press('@wizard-create')
  await window.see('@plan', { within: LONG, unless: FAILED })
  await keyboard.press('@plan-approve')
  await window.see('@stack-status[data-status=completed]', { within: LONG, unless: FAILED })

  await keyboard.go('gs', '@server-link')
  await keyboard.keys('j', Key.ENTER)
  await window.see('@server-health[data-health=up]', { within: LONG })
  await keyboard.keys(Key.ESCAPE)
  await window.gone('[role=dialog]')

  await keyboard.palette('new appl', 'New application')
  await keyboard.type('@application-name', 'hello')
  await keyboard.type('@application-port', 8080)
  await keyboard.type('@application-image', `${REGISTRY}/hello:v1`)
  await keyboard.choose('@application-servers', 'web-1')
  await keyboard.type('@application-health-path', '/health')
  await keyboard.type('@application-health-interval', 1)
  await keyboard.press('@application-submit')
  await serves('v1')
  await keyboard.press('@open-address')
  await until('the address in the browser', () => world.visited.length)

  await keyboard.press('@deploy')
  await keyboard.type('@deploy-version', 'v2')
  await keyboard.keys(Key.ENTER)
  await serves('v2')
  await keyboard.press('@release[data-number="1"] @roll-back')
  await keyboard.press('@roll-back-confirm')
  await serves('v1')

  await keyboard.command('@application-menu', 'Remove')
  await keyboard.type('@confirm-name', 'hello')
  await keyboard.keys(Key.ENTER)
  await window.see('main', { text: 'No application yet', within: LONG, unless: FAILED })
  await keyboard.go('gp', '@stack-card')
  await keyboard.keys('j', Key.ENTER)
  await keyboard.command('@stack-menu', 'Plan the destruction')
  await window.see('@plan[data-operation=plan_destroy]', { within: LONG, unless: FAILED })
  await keyboard.press('@plan-approve')
  await keyboard.type('@confirm-name', 'web')
  await keyboard.keys(Key.ENTER)
  await window.see('@stack-status[data-status=destroyed]', { within: LONG, unless: FAILED })
  assert.deepEqual(world.cloud, [], 'nothing is left at the provider')

  /** Waits until the window says that a version runs, and asks the server whether it does. */
  async function serves(version) {
    await window.see('@current-version', { text: version, within: LONG, unless: FAILED })
    await window.gone('@deployment[data-status=running]', { within: LONG })
    assert.deepEqual(await visit(`http://10.77.0.${10 + BASE}/`), { status: 200, body: `hello ${version}` })
  }
})
