import { type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { raise, type Stage } from './harness'

const TOKEN = 'k3yB0arD'.repeat(8)
const MANY_TABS = 60

let stage: Stage
beforeAll(async () => void (stage = await raise()))
afterAll(() => stage.close())

/** Presses Tab until the element with this test id (or something in it) has the focus. */
async function tabTo(page: Page, testid: string, key: 'Tab' | 'Shift+Tab' = 'Tab') {
  await page.waitForSelector(`[data-testid="${testid}"]`)
  const there = () => page.evaluate((id) => {
    const focused = document.activeElement
    return [...document.querySelectorAll(`[data-testid="${id}"]`)].some(one => one === focused || one.contains(focused))
  }, testid)
  for (let pressed = 0; pressed < MANY_TABS; pressed += 1) {
    if (await there()) return
    await page.keyboard.press(key)
  }
  const where = await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 200))
  throw new Error(`Tab never reached ${testid}; the focus is on ${where}`)
}

async function type(page: Page, testid: string, text: string) {
  await tabTo(page, testid)
  await page.keyboard.type(text)
}

async function press(page: Page, testid: string) {
  await tabTo(page, testid)
  await page.keyboard.press('Enter')
}

async function arrives(page: Page, selector: string) {
  await page.waitForSelector(selector, { timeout: 30_000 })
}

describe('by keyboard alone', () => {
  it('somebody gets from the first run to a running application, back a release, and down again', async () => {
    const page = await stage.open('?vault=absent&speed=4')

    await press(page, 'setup-next')
    await type(page, 'setup-user', 'Ada Weber')
    await type(page, 'setup-organization', 'Northwind')
    await page.keyboard.press('Enter')
    await press(page, 'setup-first-cloud')

    await type(page, 'credential-token', TOKEN)
    await page.keyboard.press('Enter')
    await press(page, 'wizard-next')
    await type(page, 'stack-name', 'web')
    await press(page, 'stack-add-key')
    await press(page, 'credential-save')
    await page.waitForSelector('[data-testid=credential-form]', { state: 'detached' })
    await press(page, 'wizard-next')
    await press(page, 'wizard-create')

    await arrives(page, '[data-testid=plan]')
    expect(await page.textContent('[data-testid=plan-count-create]')).toContain('5')
    await press(page, 'plan-approve')
    await arrives(page, '[data-testid=resource][data-state=done]')
    await arrives(page, '[data-testid=stack-status][data-status=completed]')

    await page.locator('body').press('g')
    await page.keyboard.press('s')
    await arrives(page, '[data-testid=server-link]')
    await page.keyboard.press('j')
    await page.locator('main').press('Enter')
    await arrives(page, '[data-testid=server-health][data-health=up]')
    expect(await page.textContent('[data-testid=pinned-key]')).toMatch(/^SHA256:/)
    await page.keyboard.press('Escape')
    await page.waitForSelector('[data-testid=server-detail]', { state: 'detached' })

    await page.keyboard.press('Control+k')
    await arrives(page, '[data-testid=palette]')
    await page.keyboard.type('new appl')
    await page.waitForSelector('[role=option][data-highlighted] >> text=New application')
    await page.keyboard.press('Enter')

    await type(page, 'application-name', 'shop')
    await type(page, 'application-image', 'ghcr.io/acme/shop:1.0.0')
    await tabTo(page, 'application-servers')
    await page.keyboard.press('Enter')
    await arrives(page, '[role=listbox]')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Escape')
    await press(page, 'application-submit')

    await arrives(page, '[data-testid=deployment-status][data-status=succeeded]')
    expect(await page.textContent('[data-testid=current-version]')).toBe('1.0.0')
    await press(page, 'open-address')

    await press(page, 'deploy')
    await type(page, 'deploy-version', '1.1.0')
    await page.keyboard.press('Enter')
    await page.waitForSelector('[data-testid=current-version] >> text=1.1.0', { timeout: 30_000 })

    await press(page, 'roll-back')
    await press(page, 'roll-back-confirm')
    await page.waitForSelector('[data-testid=current-version] >> text=1.0.0', { timeout: 30_000 })

    await page.keyboard.press('g')
    await page.keyboard.press('p')
    await page.waitForSelector('[data-testid=stack-card]')
    await page.keyboard.press('j')
    await page.locator('main').press('Enter')
    await arrives(page, '[data-testid=stack-menu]')
    await press(page, 'stack-menu')
    await arrives(page, '[role=menu]')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.type('plan the')
    await page.keyboard.press('Enter')
    await arrives(page, '[data-testid=plan][data-operation=plan_destroy]')
    await press(page, 'plan-approve')
    await type(page, 'confirm-name', 'web')
    await page.keyboard.press('Enter')
    await arrives(page, '[data-testid=stack-status][data-status=destroyed]')

    await page.context().close()
  })

  it('a changed host key is accepted only after it was compared', async () => {
    const page = await stage.open('?fleet=some&speed=4')
    await arrives(page, '[data-testid=concerns]')
    await page.keyboard.press('g')
    await page.keyboard.press('s')
    await arrives(page, '[data-testid=servers-table]')
    await page.keyboard.press('/')
    await page.keyboard.type('newkey')
    await page.keyboard.press('Escape')
    await page.keyboard.press('j')
    await page.locator('main').press('Enter')
    await arrives(page, '[data-testid=host-key-alert]')
    await press(page, 'check-retry-host_key')
    await arrives(page, '[data-testid=host-key-dialog]')

    await press(page, 'accept-host-key')
    await arrives(page, '[data-testid=host-key-dialog] >> text=Say that you compared it')
    await tabTo(page, 'compared', 'Shift+Tab')
    await page.keyboard.press('Space')
    await press(page, 'accept-host-key')

    await arrives(page, '[data-testid=server-health][data-health=up]')
    await page.context().close()
  })

  it('a failed job opens the drawer by itself and can be tried again', async () => {
    const page = await stage.open('?fleet=empty&speed=4')
    // The router must be up, or it takes its own first page over ours.
    await arrives(page, '[data-testid=nav-servers]')
    await page.evaluate(() => location.hash = '#/servers?register=1')
    await type(page, 'server-name', 'dead-1')
    await type(page, 'server-host', '203.0.113.99')
    await press(page, 'server-add-key')
    await press(page, 'credential-save')
    await page.waitForSelector('[data-testid=credential-form]', { state: 'detached' })
    await press(page, 'server-submit')

    await arrives(page, '[data-testid=jobs-drawer] [data-testid=failure][data-code=host_unreachable]')
    await page.keyboard.press('Escape')
    await press(page, 'job-retry')
    await arrives(page, '[data-testid=job][data-status=running]')
    await page.context().close()
  })
})

it('nothing was logged, thrown or asked of the network on the way', () => {
  expect(stage.complaints).toEqual([])
})
