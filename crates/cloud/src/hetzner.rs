//! Hetzner Cloud, <https://docs.hetzner.cloud>.

use std::collections::{BTreeMap, BTreeSet};

use flightdeck_app::port::cloud::{Account, Catalog, CloudError, Region, Size};
use serde::{Deserialize, de::DeserializeOwned};

use crate::transport::{Transport, unexpected};

/// The most that the API gives in one page.
const PER_PAGE: u32 = 50;

/// Pages of one list that are read: far beyond what there is, so that a list
/// that never ends does.
const MOST_PAGES: u32 = 20;

/// Lists the locations: needs a valid token and changes nothing.
pub(crate) async fn test(api: &Transport, account: &Account) -> Result<(), CloudError> {
    api.get::<Locations>(account, "/locations", &[]).await.map(drop)
}

/// Reads locations, server types, images and the account's currency, side by side.
pub(crate) async fn catalog(api: &Transport, account: &Account) -> Result<Catalog, CloudError> {
    let system = [("type", "system".to_owned()), ("status", "available".to_owned())];
    let (locations, types, images, pricing) = tokio::try_join!(
        list::<Locations>(api, account, &[]),
        list::<ServerTypes>(api, account, &[]),
        list::<Images>(api, account, &system),
        api.get::<Pricing>(account, "/pricing", &[]),
    )?;

    let sizes = types
        .into_iter()
        .filter_map(|server_type| server_type.size(&pricing.pricing.currency).transpose())
        .collect::<Result<_, _>>()
        .map_err(|price| unexpected(account, &format!("`{price}` is not a price")))?;
    let images: BTreeSet<String> = images
        .into_iter()
        .filter(|image| image.deprecation.is_none())
        .filter_map(|image| image.name)
        .collect();
    Ok(Catalog {
        regions: locations
            .into_iter()
            .map(|Location { name, description }| Region { name, description })
            .collect(),
        sizes,
        images: images.into_iter().collect(),
    })
}

async fn list<P: Page>(
    api: &Transport,
    account: &Account,
    filter: &[(&str, String)],
) -> Result<Vec<P::Item>, CloudError> {
    let mut items = Vec::new();
    let mut page = 1;
    for _ in 0..MOST_PAGES {
        let mut query = filter.to_vec();
        query.push(("page", page.to_string()));
        query.push(("per_page", PER_PAGE.to_string()));
        let (more, meta) = api.get::<P>(account, P::PATH, &query).await?.into_parts();
        items.extend(more);
        match meta.pagination.next_page {
            Some(next) => page = next,
            None => return Ok(items),
        }
    }
    Err(unexpected(account, &format!("`{}` has no last page", P::PATH)))
}

/// One page of a list, whose items are under a name of their own.
trait Page: DeserializeOwned {
    type Item;
    const PATH: &'static str;
    fn into_parts(self) -> (Vec<Self::Item>, Meta);
}

macro_rules! page {
    ($page:ident { $field:ident: $item:ty } at $path:literal) => {
        #[derive(Deserialize)]
        struct $page {
            $field: Vec<$item>,
            meta: Meta,
        }

        impl Page for $page {
            type Item = $item;
            const PATH: &'static str = $path;
            fn into_parts(self) -> (Vec<$item>, Meta) {
                (self.$field, self.meta)
            }
        }
    };
}

page!(Locations { locations: Location } at "/locations");
page!(ServerTypes { server_types: ServerType } at "/server_types");
page!(Images { images: Image } at "/images");

#[derive(Deserialize)]
struct Meta {
    pagination: Pagination,
}

#[derive(Deserialize)]
struct Pagination {
    next_page: Option<u32>,
}

#[derive(Deserialize)]
struct Location {
    name: String,
    description: String,
}

#[derive(Deserialize)]
struct ServerType {
    name: String,
    cores: u32,
    memory: f64,
    disk: u32,
    architecture: String,
    deprecation: Option<Deprecation>,
    /// Where it is offered; absent from endpoints that predate deprecation by location.
    locations: Option<Vec<Offer>>,
    prices: Vec<Price>,
}

#[derive(Deserialize)]
struct Offer {
    name: String,
    deprecation: Option<Deprecation>,
    /// Whether it can be ordered right now; absent from older endpoints.
    available: Option<bool>,
}

impl Offer {
    fn is_open(&self) -> bool {
        self.deprecation.is_none() && self.available != Some(false)
    }
}

/// Only whether there is one matters: what is announced to go is not offered for new servers.
#[derive(Deserialize)]
struct Deprecation {}

#[derive(Deserialize)]
struct Price {
    location: String,
    price_hourly: Amount,
}

#[derive(Deserialize)]
struct Amount {
    gross: String,
}

#[derive(Deserialize)]
struct Image {
    name: Option<String>,
    deprecation: Option<Deprecation>,
}

#[derive(Deserialize)]
struct Pricing {
    pricing: Currency,
}

#[derive(Deserialize)]
struct Currency {
    currency: String,
}

impl ServerType {
    /// Says what can be ordered where; `None` if nowhere, and the text of a price that is none.
    fn size(self, currency: &str) -> Result<Option<Size>, String> {
        if self.deprecation.is_some() {
            return Ok(None);
        }
        let offered = |location: &str| match &self.locations {
            None => true,
            Some(offers) => offers.iter().any(|offer| offer.name == location && offer.is_open()),
        };
        let mut hourly_price = BTreeMap::new();
        for price in self.prices.iter().filter(|price| offered(&price.location)) {
            let text = &price.price_hourly.gross;
            let amount = text.parse::<f64>().ok().filter(|amount| amount.is_finite());
            hourly_price.insert(price.location.clone(), amount.ok_or_else(|| text.clone())?);
        }
        if hourly_price.is_empty() {
            return Ok(None);
        }
        Ok(Some(Size {
            name: self.name,
            cores: self.cores,
            memory_gb: self.memory,
            disk_gb: self.disk,
            architecture: self.architecture,
            hourly_price,
            currency: currency.to_owned(),
        }))
    }
}
