//! Pages of a list.

use clap::Args;

use super::failure::Failure;

/// Which page of a list, and how long.
#[derive(Clone, Debug, Args)]
pub struct Paging {
    /// Entries on a page [default: 20, with --all 60]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=60))]
    page_size: Option<i32>,
    /// The next_page_token of the page before
    #[arg(
        long,
        value_name = "TOKEN",
        default_value = "",
        hide_default_value = true
    )]
    page_token: String,
    /// Every page from there on; with `-o json`, one answer for each page
    #[arg(long)]
    all: bool,
}

impl Paging {
    /// Asks for one page, or one after the other. `page` gets a size and a
    /// token, shows the answer, and says which token comes next.
    ///
    /// # Errors
    ///
    /// What `page` says.
    pub async fn run(
        self,
        mut page: impl AsyncFnMut(i32, String) -> Result<String, Failure>,
    ) -> Result<Option<String>, Failure> {
        // 0 leaves it to the server.
        let size = self.page_size.unwrap_or(if self.all { 60 } else { 0 });
        let mut token = self.page_token;
        loop {
            let next = page(size, token.clone()).await?;
            if next.is_empty() {
                return Ok(None);
            }
            // A server that repeats itself would go on for ever.
            if !self.all || next == token {
                return Ok(Some(next));
            }
            token = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn pages(paging: Paging) -> (Vec<(i32, String)>, Option<String>) {
        let mut asked = Vec::new();
        let left = paging
            .run(async |size, token| {
                asked.push((size, token.clone()));
                Ok(match token.as_str() {
                    "" => "b".to_owned(),
                    "b" => "c".to_owned(),
                    _ => String::new(),
                })
            })
            .await
            .unwrap();
        (asked, left)
    }

    fn paging(all: bool) -> Paging {
        Paging {
            page_size: None,
            page_token: String::new(),
            all,
        }
    }

    #[tokio::test]
    async fn one_page_tells_of_the_next() {
        assert_eq!(
            pages(paging(false)).await,
            (vec![(0, String::new())], Some("b".to_owned()))
        );
    }

    #[tokio::test]
    async fn all_pages_are_asked_for_in_order() {
        let (asked, left) = pages(paging(true)).await;
        let tokens: Vec<_> = asked.iter().map(|(_, token)| token.as_str()).collect();
        assert_eq!(tokens, ["", "b", "c"]);
        assert_eq!(left, None);
    }
}
